public import ConvoyGraphs
public import ConvoyKernels
public import ConvoyTensors

/// A grid of ranks: images are divided along one axis, channels along the other.
public struct RankGrid: Hashable, Sendable, Codable {
  /// The number of shares that batches are divided into.
  public let data: Int
  /// The number of ranks that each network's channels are divided over.
  public let groups: Int

  /// Describes a grid.
  ///
  /// - Throws: `ConvoyError` when an extent is below 1, or the number of ranks overflows.
  public init(data: Int = 1, groups: Int = 1) throws(ConvoyError) {
    guard data >= 1, groups >= 1, !data.multipliedReportingOverflow(by: groups).overflow else {
      throw ConvoyError(
        .argument,
        "A grid of ranks has extents of at least 1, got data=\(data) and groups=\(groups).")
    }
    self.data = data
    self.groups = groups
  }

  /// Reads `data=2,groups=2`; either part may be missing.
  ///
  /// - Throws: `ConvoyError` when the text has another form.
  public init(parsing text: String) throws(ConvoyError) {
    var extents: [String: Int] = [:]
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard pair.count == 2, ["data", "groups"].contains(pair[0]), extents[pair[0]] == nil,
        let extent = Int(pair[1]), extent >= 1
      else {
        throw ConvoyError(
          .argument,
          "Ranks are arranged by data=NUMBER,groups=NUMBER, of which one may be left out; got "
            + "‘\(text)’.")
      }
      extents[pair[0]] = extent
    }
    try self.init(data: extents["data"] ?? 1, groups: extents["groups"] ?? 1)
  }

  /// The number of ranks.
  public var count: Int { data * groups }
}

extension RankGrid: CustomStringConvertible {
  /// `data=2,groups=2`
  public var description: String { "data=\(data),groups=\(groups)" }
}

/// One rank of a training over several, with its communicators.
public struct TrainingRank: Sendable {
  /// The grid of ranks.
  public let grid: RankGrid
  /// The rank's index in the grid: that along the groups' axis varies fastest.
  public let rank: Int
  /// For each axis, the communicator of the ranks along it.
  public let communicators: [RankAxis: any Communicator]
  /// Whether batch norms use the statistics of all ranks' images, as in one process; otherwise
  /// those of the rank's own images.
  public var synchronizesNormalization = true
  /// The bytes of gradients in one bucket; buckets are exchanged during the backward pass.
  public var bucketBytes = 1 << 20

  /// A rank of a grid.
  ///
  /// - Throws: `ConvoyError` when the rank is not in the grid, or the communicators do not fit it.
  public init(
    _ grid: RankGrid, rank: Int, communicators: [RankAxis: any Communicator]
  ) throws(ConvoyError) {
    self.grid = grid
    self.rank = rank
    self.communicators = communicators
    guard (0..<grid.count).contains(rank) else {
      throw ConvoyError(
        .argument, "The grid \(grid) has ranks 0 to \(grid.count - 1), got \(rank).")
    }
    for (axis, count, place) in [
      (RankAxis.data, grid.data, dataRank), (.groups, grid.groups, groupRank),
    ] where count > 1 {
      guard communicators[axis]?.count == count, communicators[axis]?.rank == place else {
        throw ConvoyError(
          .argument,
          "Rank \(rank) of \(grid) needs a communicator of \(count) ranks along the axis "
            + "\(axis.rawValue) in which it is rank \(place).")
      }
    }
  }

  /// A rank without communicators, for forecasts of its step.
  ///
  /// - Precondition: the rank is in the grid.
  init(unconnected grid: RankGrid, rank: Int) {
    precondition((0..<grid.count).contains(rank))
    self.grid = grid
    self.rank = rank
    communicators = [:]
  }

  /// The index of its share of each batch.
  public var dataRank: Int { rank / grid.groups }
  /// The index of its share of the channels.
  public var groupRank: Int { rank % grid.groups }

  /// The sums of all ranks' numbers along an axis.
  ///
  /// Every rank along the axis must call this at the same position among its exchanges.
  ///
  /// - Throws: `ConvoyError` when a rank has stopped.
  package func sum(_ numbers: [Float], along axis: RankAxis) throws(ConvoyError) -> [Float] {
    try exchange(.allReduce(count: numbers.count), numbers, count: numbers.count, along: axis)
  }

  /// The concatenation of all ranks' numbers along an axis.
  ///
  /// - Throws: `ConvoyError` when a rank has stopped.
  func gather(_ numbers: [Float], along axis: RankAxis) throws(ConvoyError) -> [Float] {
    try exchange(
      .allGather(count: numbers.count), numbers,
      count: numbers.count * (communicators[axis]?.count ?? 1), along: axis)
  }

  private func exchange(
    _ collective: Collective, _ numbers: [Float], count: Int, along axis: RankAxis
  ) throws(ConvoyError) -> [Float] {
    guard let communicator = communicators[axis], communicator.count > 1 else { return numbers }
    let results = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      buffer.initialize(repeating: 0)
      initialized = count
      numbers.withUnsafeBufferPointer { numbers in
        guard let source = numbers.baseAddress, let target = buffer.baseAddress else { return }
        // No exchange of a step is in flight, and their tags are small.
        communicator.begin(collective, tag: .max, from: source, to: target)
        communicator.finish(tag: .max)
      }
    }
    if let failure = communicator.failure { throw failure }
    return results
  }
}
