import ArgumentParser
import Convoy

/// Over which ranks a training goes: the threads of this process, or the processes that `mpirun` started.
struct ParallelArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Train over several ranks: data=NUMBER cuts batches, groups=NUMBER divides the network's \
      channels. Ranks are the processes that mpirun started, else threads.
      """, valueName: "ranks"))
  var parallel: String?

  @Flag(
    help: """
      Let each rank's batch norms use the statistics of its own images: fewer exchanges, but not the \
      training of one process.
      """)
  var localBatchNorm = false

  /// The grid that was asked for; under `mpirun`, one that divides batches unless another is named; nil for
  /// one process without ranks.
  func grid() throws(ConvoyError) -> RankGrid? {
    let started = MPIEnvironment.rankCount
    guard let parallel else {
      guard let started, started > 1 else { return nil }
      return try RankGrid(data: started)
    }
    let grid = try RankGrid(parsing: parallel)
    if let started, started != grid.count {
      throw ConvoyError(
        .argument,
        "The ranks --parallel \(grid) are \(grid.count) processes, but mpirun started \(started).")
    }
    return grid
  }

  /// Runs a closure as every rank that this process is: all of a grid's, one of those that `mpirun` started,
  /// or, without a grid, none.
  ///
  /// - Parameters:
  ///   - advice: what to do after a rank is lost, to follow the sentence that names it.
  ///   - body: is given its rank, the communicator of all ranks, and how to compile.
  func run(
    _ options: CompileOptions, threadCount: Int?, advice: String? = nil,
    _ body:
      @escaping @Sendable (TrainingRank?, RingCommunicator?, CompileOptions) throws(ConvoyError) ->
      Void
  ) throws(ConvoyError) {
    guard let grid = try grid() else { return try body(nil, nil, options) }
    let isSynchronized = !localBatchNorm
    guard MPIEnvironment.rankCount != nil else {
      let count = threadCount ?? ThreadPool.processorCount
      do {
        _ = try InProcessRanks.run(grid, threadCount: count) { rank, world, pool in
          var (rank, options) = (rank, options)
          rank.synchronizesNormalization = isSynchronized
          options.pool = pool
          try body(rank, world, options)
        }
      } catch {
        // Ranks may throw anything; these throw what the closure does.
        throw error as? ConvoyError ?? ConvoyError(.resource, "A rank failed: \(error).")
      }
      return
    }
    let world = try MPICommunicator.start { failure in
      Console.error([failure.message, advice].compactMap { $0 }.joined(separator: " "))
    }
    do {
      var rank = try TrainingRank(grid, over: world)
      rank.synchronizesNormalization = isSynchronized
      try body(rank, world, options)
    } catch {
      if world.failure == nil { world.abort(error.message) }
      world.shutDown()
      throw error
    }
    world.shutDown()
  }
}
