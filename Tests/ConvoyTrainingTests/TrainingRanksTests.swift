import ConvoyCluster
import ConvoyEngine
import ConvoyFormats
import ConvoyGraphs
import ConvoyTensors
import ConvoyTraining
import ConvoyZoo
import RankTrainings
import Testing

/// Training over ranks is the training of one process.
@Suite struct TrainingRanksTests {
  @Test(arguments: SmallNetwork.allCases) func ranksTrainAsOne(_ kind: SmallNetwork) throws {
    let (network, contrast) = (try kind.network(), kind.contrast)
    let alone = try train(network, contrast: contrast, as: nil, on: ThreadPool(threadCount: 1))
    #expect(alone.losses.count == 50)
    #expect(alone.losses[49] < alone.losses[0], "\(kind) learns nothing.")
    for grid in [
      try RankGrid(data: 2), try RankGrid(groups: 2), try RankGrid(data: 4),
      try RankGrid(groups: 4), try RankGrid(data: 2, groups: 2),
    ] {
      let all = try InProcessRanks.run(grid, threadCount: 2) { rank, _, pool in
        try train(network, contrast: contrast, as: rank, on: pool)
      }
      #expect(all.count == grid.count)
      for course in all {
        let worst = course.difference(from: alone)
        #expect(worst <= 1e-5, "\(kind), \(grid): losses differ by \(worst)")
        #expect(course.losses.map(\.bitPattern) == all[0].losses.map(\.bitPattern))
        #expect(course.accuracy == alone.accuracy, "\(kind), \(grid)")
        #expect(course.parameters.mapValues(\.shape) == alone.parameters.mapValues(\.shape))
      }
    }
  }

  /// The same steps in parts, on one rank and several, with gradients shortened to a length they exceed.
  @Test func accumulatedAndClipped() throws {
    let network = try SmallNetwork.alexNet.network()
    var step = StepOptions(weightDecay: 5e-4, gradientClip: 0.5)
    let whole = try train(
      network, contrast: 0.02, step: step, as: nil, on: ThreadPool(threadCount: 1))
    step.gradientClip = nil
    let unclipped = try train(
      network, contrast: 0.02, step: step, as: nil, on: ThreadPool(threadCount: 1))
    #expect(abs(whole.losses[49] / unclipped.losses[49] - 1) > 1e-3, "Nothing was clipped.")
    for (grid, parts) in [
      (try RankGrid(), 2), (try RankGrid(), 8), (try RankGrid(data: 2), 2),
      (try RankGrid(groups: 4), 1), (try RankGrid(data: 2, groups: 2), 4),
    ] {
      let step = StepOptions(weightDecay: 5e-4, gradientClip: 0.5, accumulation: parts)
      let all = try InProcessRanks.run(grid, threadCount: 2) { rank, _, pool in
        try train(network, contrast: 0.02, step: step, as: rank, on: pool)
      }
      for course in all {
        let worst = course.difference(from: whole)
        #expect(worst <= 1e-5, "\(grid), \(parts) parts: losses differ by \(worst)")
        #expect(course.accuracy == whole.accuracy, "\(grid), \(parts) parts")
      }
    }
  }

  /// A training that was divided one way goes on divided another way, or alone.
  @Test func resuming() throws {
    let network = try Zoo.network("zoo:alexnet-small?groups=2&channels=3&size=12&classes=4")
    let data = DataSplits(
      training: RandomImages(imageShape: [3, 12, 12], count: 40, seed: 1),
      test: RandomImages(imageShape: [3, 12, 12], count: 8, seed: 2))
    let begun = TrainingOptions(epochs: 4, batch: 8, rate: LearningRate(0.01, .constant))
    @Sendable func options(_ pool: ThreadPool) -> CompileOptions {
      var options = CompileOptions(pool: pool)
      options.usesWinograd = false
      return options
    }
    let alone = try Trainer(
      network, data: data, options: begun, compileOptions: options(ThreadPool(threadCount: 1)))
    while !alone.isFinished { _ = try alone.runEpoch() }

    let half = try InProcessRanks.run(try RankGrid(data: 2, groups: 2)) { rank, _, pool in
      let trainer = try Trainer(
        network, data: data, options: begun, compileOptions: options(pool), rank: rank)
      for _ in 0..<2 { _ = try trainer.runEpoch() }
      return try trainer.checkpoint()
    }
    for grid in [try RankGrid(), try RankGrid(groups: 2), try RankGrid(data: 4)] {
      let ends = try InProcessRanks.run(grid) { rank, _, pool in
        let trainer = try Trainer(
          resuming: half[0], data: data, compileOptions: options(pool), rank: rank)
        while !trainer.isFinished { _ = try trainer.runEpoch() }
        return trainer.history.map(\.loss)
      }
      for losses in ends {
        for (loss, want) in zip(losses, alone.history.map(\.loss)) {
          #expect(abs(loss / want - 1) <= 1e-5, "\(grid)")
        }
      }
    }
  }

  /// One rank's mistake ends all, and is the error that comes out.
  @Test func aRankThatThrows() throws {
    let error = #expect(throws: ConvoyError.self) {
      try InProcessRanks.run(try RankGrid(data: 3)) { rank, world, _ in
        if rank.rank == 1 { throw ConvoyError(.file, "The image 7 cannot be read.") }
        try world.barrier()
      }
    }
    #expect(error?.message == "The image 7 cannot be read.")
  }

  @Test(arguments: [
    ("data=2,groups=4", 2, 4), ("groups=3", 1, 3), ("data=5", 5, 1), ("groups=2,data=1", 1, 2),
  ]) func gridsAreRead(_ text: String, data: Int, groups: Int) throws {
    #expect(try RankGrid(parsing: text) == RankGrid(data: data, groups: groups))
  }

  @Test(arguments: ["", "data", "data=0", "data=2,data=2", "ranks=2", "data=x", "data=2,"])
  func gridsAreRefused(_ text: String) {
    let error = #expect(throws: ConvoyError.self) { try RankGrid(parsing: text) }
    #expect(error?.message.contains("data=NUMBER,groups=NUMBER") == true)
  }

  /// Weights that two layers share stay whole, though the layers' groups divide.
  @Test func sharedWeights() throws {
    let network = try Network(input: [8, 6, 6]) { image in
      let weights = image.builder.parameter("shared", [8, 4, 3, 3], Parameter(.he))
      return
        image
        .convolution(weights: weights, padding: 1, groups: 2)
        .convolution(weights: weights, padding: 1, groups: 2)
        .convolution(8, kernel: 3, padding: 1, groups: 2, bias: false, name: "own")
        .globalAveragePooling().flattened().linear(4)
    }
    let partition = try network.graph.partitioned(groups: 2, batch: 4)
    #expect(partition.divided["own.weight"] == 0)
    #expect(partition.divided["shared"] == nil)
    let alone = try train(network, contrast: 0.1, as: nil, on: ThreadPool(threadCount: 1))
    let divided = try InProcessRanks.run(try RankGrid(groups: 2), threadCount: 2) { rank, _, pool in
      try train(network, contrast: 0.1, as: rank, on: pool)
    }
    for course in divided {
      #expect(course.difference(from: alone) <= 1e-5)
    }
  }

  @Test func unevenBatches() throws {
    let network = try Zoo.network("zoo:alexnet-small?channels=3&size=12&classes=4")
    let images = RandomImages(imageShape: [3, 12, 12], count: 20, seed: 1)
    let error = #expect(throws: ConvoyError.self) {
      try InProcessRanks.run(try RankGrid(data: 3)) { rank, _, _ in
        _ = try Trainer(
          network, data: DataSplits(training: images, test: images),
          options: TrainingOptions(epochs: 1, batch: 8), rank: rank)
      }
    }
    #expect(
      error?.message == "A batch of 8 images cannot be divided evenly over 3 ranks.")
  }
}
