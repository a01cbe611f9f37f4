public import ConvoyGraphs
public import ConvoyKernels
public import ConvoyTensors

/// How ranks stand in a grid: images are divided along one axis, channels along the other.
public struct RankGrid: Hashable, Sendable, Codable {
  /// Into how many shares batches are cut.
  public let data: Int
  /// Over how many ranks each network is divided by its channels.
  public let groups: Int

  /// Describes a grid.
  ///
  /// - Throws: `ConvoyError` when an extent is below 1, or there are more ranks than can be counted.
  public init(data: Int = 1, groups: Int = 1) throws(ConvoyError) {
    guard data >= 1, groups >= 1, !data.multipliedReportingOverflow(by: groups).overflow else {
      throw ConvoyError(
        .argument,
        "A grid of ranks has extents of at least 1, got data=\(data) and groups=\(groups).")
    }
    self.data = data
    self.groups = groups
  }

  /// Reads `data=2,groups=2`, either of which may be missing.
  ///
  /// - Throws: `ConvoyError` when the text says something else.
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

  /// How many ranks.
  public var count: Int { data * groups }
}

extension RankGrid: CustomStringConvertible {
  /// `data=2,groups=2`
  public var description: String { "data=\(data),groups=\(groups)" }
}

/// One rank's place in a training over several, and the communicators it exchanges numbers by.
public struct TrainingRank: Sendable {
  /// How the ranks stand.
  public let grid: RankGrid
  /// Which of all ranks this is: the groups' axis runs faster.
  public let rank: Int
  /// For each axis, the ranks of this one's line along it, in order.
  public let communicators: [RankAxis: any Communicator]
  /// Whether batch norms use the statistics of all ranks' images, as one process would; else of their own.
  public var synchronizesNormalization = true
  /// Bytes of gradients that are exchanged together while the backward pass goes on.
  public var bucketBytes = 1 << 20

  /// Describes a place.
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

  /// A place without communicators, for forecasts of its step.
  ///
  /// - Precondition: the rank is in the grid.
  init(unconnected grid: RankGrid, rank: Int) {
    precondition((0..<grid.count).contains(rank))
    self.grid = grid
    self.rank = rank
    communicators = [:]
  }

  /// Which share of each batch it has.
  public var dataRank: Int { rank / grid.groups }
  /// Which share of the channels it has.
  public var groupRank: Int { rank % grid.groups }

  /// The sums of all ranks' numbers along an axis.
  ///
  /// Every rank of the line calls this at the same point.
  ///
  /// - Throws: `ConvoyError` when a rank does not take part any more.
  package func sum(_ numbers: [Float], along axis: RankAxis) throws(ConvoyError) -> [Float] {
    try exchange(.allReduce(count: numbers.count), numbers, count: numbers.count, along: axis)
  }

  /// All ranks' numbers along an axis, one rank's after the other's.
  ///
  /// - Throws: `ConvoyError` when a rank does not take part any more.
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
        // No exchange of a step is under way, whose tags are small.
        communicator.begin(collective, tag: .max, from: source, to: target)
        communicator.finish(tag: .max)
      }
    }
    if let failure = communicator.failure { throw failure }
    return results
  }
}
