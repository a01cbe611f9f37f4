public import ConvoyCluster
public import ConvoyEngine
import ConvoyGraphs
public import ConvoyTensors

extension TrainingRank {
  /// A rank of a grid, from a communicator of all its ranks.
  ///
  /// Every rank must call this at the same position among its exchanges.
  ///
  /// - Throws: `ConvoyError` when there are more or fewer ranks than the grid has, or the job cannot go on.
  public init(_ grid: RankGrid, over world: RingCommunicator) throws(ConvoyError) {
    guard world.count == grid.count else {
      throw ConvoyError(
        .argument, "The grid \(grid) takes \(grid.count) ranks, but there are \(world.count).")
    }
    let (dataRank, groupRank) = world.rank.quotientAndRemainder(dividingBy: grid.groups)
    try self.init(
      grid, rank: world.rank,
      communicators: [
        .data: world.split(by: groupRank), .groups: world.split(by: dataRank),
      ])
  }
}

/// Ranks that are threads of this process.
public enum InProcessRanks {
  /// Runs a closure as every rank of a grid at the same time, and waits for all.
  ///
  /// A rank whose closure throws an error ends the job on all ranks.
  ///
  /// - Parameters:
  ///   - threadCount: the threads for computation of all ranks together; each rank has at least
  ///     one.
  ///   - body: receives its rank, the communicator of all ranks, and its share of the threads.
  /// - Returns: the results of the closure, in the order of ranks.
  /// - Throws: the error of the rank that failed first.
  public static func run<Result: Sendable>(
    _ grid: RankGrid, threadCount: Int = ThreadPool.processorCount,
    _ body: @escaping @Sendable (TrainingRank, RingCommunicator, ThreadPool) throws -> Result
  ) throws -> [Result] {
    let worlds = try RingCommunicator.inProcess(count: grid.count)
    let state = Monitor(RanksState<Result>())
    for world in worlds {
      let isStarted = startThread {
        let result = Swift.Result {
          let pool = ThreadPool(threadCount: max(1, threadCount / grid.count))
          return try body(TrainingRank(grid, over: world), world, pool)
        }
        state.withLock { state in
          switch result {
          case .success(let value): state.results[world.rank] = value
          case .failure(let error): state.cause = state.cause ?? error
          }
        }
        if case .failure(let error) = result {
          world.abort((error as? ConvoyError)?.message ?? "\(error)")
        }
        world.shutDown()
        state.change { $0.ended += 1 }
      }
      guard isStarted else {
        let error = ConvoyError(
          .resource, "The system gave no thread for rank \(world.rank).")
        world.abort(error.message)
        throw error
      }
    }
    state.wait { $0.ended == worlds.count }
    return try state.withLock { state in
      if let cause = state.cause { throw cause }
      return worlds.indices.compactMap { state.results[$0] }
    }
  }
}

/// The results of the ranks that have finished.
private struct RanksState<Result> {
  var results: [Int: Result] = [:]
  /// The first error, which causes those of other ranks.
  var cause: (any Error)?
  var ended = 0
}
