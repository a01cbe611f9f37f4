import ConvoyKernels
public import ConvoyTensors

/// Synchronization and agreement between ranks.
extension RingCommunicator {
  /// Waits until every rank has called this: a barrier.
  ///
  /// - Throws: the failure, if the job cannot go on.
  public func barrier() throws(ConvoyError) {
    _ = try gather([0])
  }

  /// Divides the ranks into new communicators: ranks with the same colour share one, in their
  /// order.
  ///
  /// Every rank must call this at the same position among its exchanges.
  ///
  /// - Parameter color: any number.
  /// - Throws: the failure, if the job cannot go on; `ConvoyError` of kind `resource` if the connection has no
  ///   more tags for another communicator.
  public func split(by color: Int) throws(ConvoyError) -> RingCommunicator {
    let own = family.nextContext.withLock { $0 }
    let answers = try gather(words(of: UInt64(bitPattern: Int64(color))) + [UInt32(own)])
    // Larger than the number of any communicator that two of these ranks share.
    let context = answers.map { Int($0[2]) }.max() ?? own
    // A communicator has two channels.
    guard 2 * context + 1 < family.transport.largestTag / Channel.tagCount else {
      throw ConvoyError(
        .resource, "The connection between ranks has tags for \(context - 1) communicators only.")
    }
    family.nextContext.withLock { $0 = max($0, context + 1) }
    let together = answers.indices.filter { answers[$0][..<2] == answers[rank][..<2] }
    return RingCommunicator(
      family, context: context, members: together.map { channel.members[$0] },
      rank: together.firstIndex(of: rank) ?? 0, pieceLength: channel.pieceLength)
  }

  /// Checks that all ranks have the same value.
  ///
  /// - Parameters:
  ///   - value: a fingerprint of this rank's value.
  ///   - what: the name of the value, as the continuation of “All ranks need the same ”.
  /// - Throws: on every rank, `ConvoyError` of kind `argument` that names the ranks whose values
  ///   differ from those of most others; the failure, if the job cannot go on.
  public func requireSame(_ value: UInt64, what: String) throws(ConvoyError) {
    let answers = try gather(words(of: value))
    var counts: [[UInt32]: Int] = [:]
    for answer in answers { counts[answer, default: 0] += 1 }
    // Of equally frequent values, that of the lowest rank.
    let most = counts.values.max() ?? 0
    guard let usual = answers.firstIndex(where: { counts[$0] == most }) else { return }
    let different = answers.indices.filter { answers[$0] != answers[usual] }
    guard !different.isEmpty else { return }
    let hosts = try hostNames()
    // As they stand within a sentence.
    func name(_ member: Int) -> String {
      "r" + rankName(channel.members[member], host: hosts[member]).dropFirst()
    }
    let names = different.map(name).joined(separator: ", ")
    throw ConvoyError(
      .argument,
      "All ranks need the same \(what): \(names) \(different.count == 1 ? "has" : "have") another "
        + "than \(name(usual)).")
  }

  /// Every rank's words, on every rank. They travel as bit patterns: an exchange that does not add
  /// does not change them.
  private func gather(_ words: [UInt32]) throws(ConvoyError) -> [[UInt32]] {
    let own = words.map { Float(bitPattern: $0) }
    var all = [Float](repeating: 0, count: words.count * count)
    own.withUnsafeBufferPointer { own in
      all.withUnsafeMutableBufferPointer { all in
        guard let source = own.baseAddress, let destination = all.baseAddress else { return }
        begin(.allGather(count: words.count), tag: Int.min, from: source, to: destination)
        finish(tag: Int.min)
      }
    }
    if let failure { throw failure }
    return (0..<count).map { rank in
      all[rank * words.count..<(rank + 1) * words.count].map(\.bitPattern)
    }
  }

  private func words(of value: UInt64) -> [UInt32] {
    [UInt32(value >> 32), UInt32(truncatingIfNeeded: value)]
  }

  /// The names of all ranks' machines, on every rank alike; of long names, the first 64 bytes.
  private func hostNames() throws(ConvoyError) -> [String] {
    let own = Array(currentHostName().utf8.prefix(64))
    let bytes = own + Array(repeating: 0, count: 64 - own.count)
    let sent = stride(from: 0, to: bytes.count, by: 4).map { start in
      (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[start + $1]) }
    }
    return try gather(sent).map { words in
      let bytes = words.flatMap { word in
        (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
      }
      return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
