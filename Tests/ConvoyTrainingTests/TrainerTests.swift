import ConvoyEngine
import ConvoyFormats
import ConvoyGraphs
import ConvoyTensors
import Testing

@testable import ConvoyTraining

@Suite struct TrainerTests {
  /// Dropout, batch norm, groups and augmentation: all that draws random numbers or keeps a state.
  static func network() throws -> Network {
    try Network(input: [1, 8, 8]) { image in
      image.convolution(8, kernel: 3, padding: 1, bias: false).batchNormalization().relu()
        .maxPooling(2).convolution(16, kernel: 3, padding: 1, groups: 2).relu()
        .globalAveragePooling().flattened().dropout(0.2).linear(10)
    }
  }

  static func options(epochs: Int) -> TrainingOptions {
    TrainingOptions(
      epochs: epochs, batch: 128,
      step: StepOptions(
        optimizer: .sgd(), weightDecay: 1e-3, labelSmoothing: 0.05, gradientClip: 1),
      augmentation: Augmentation(flips: true, cropPadding: 1, colorJitter: 0.2), seed: 3)
  }

  static func trainer(epochs: Int, threads: Int = 2) throws -> Trainer {
    try Trainer(
      network(), data: DataSets.open("digits"), options: options(epochs: epochs),
      compileOptions: CompileOptions(pool: ThreadPool(threadCount: threads)))
  }

  /// What training has come to, without the times it took.
  static func state(_ trainer: Trainer) throws -> ([String: Tensor], [String: Tensor], [Double]) {
    let checkpoint = try trainer.checkpoint()
    return (checkpoint.model.parameters, checkpoint.memory, trainer.history.map(\.loss))
  }

  @Test func resumingGivesTheBitsOfNeverHavingStopped() throws {
    let whole = try Self.trainer(epochs: 4)
    while !whole.isFinished { _ = try whole.runEpoch() }
    var resumed = try Self.trainer(epochs: 4)
    try withTemporaryFolder { folder in
      for _ in 0..<4 {
        _ = try resumed.runEpoch()
        try resumed.checkpoint().write(to: "\(folder)/a.safetensors")
        let checkpoint = try Checkpoint(contentsOf: "\(folder)/a.safetensors")
        resumed = try Trainer(resuming: checkpoint, data: DataSets.open("digits"))
      }
    }
    #expect(resumed.isFinished)
    #expect(try Self.state(whole) == Self.state(resumed))
  }

  @Test func oneThreadAndSeveralGiveTheSameBits() throws {
    let one = try Self.trainer(epochs: 1, threads: 1)
    let three = try Self.trainer(epochs: 1, threads: 3)
    _ = try one.runEpoch()
    _ = try three.runEpoch()
    #expect(try Self.state(one) == Self.state(three))
  }

  @Test func learns() throws {
    var options = Self.options(epochs: 10)
    options.augmentation = .none
    options.rate = LearningRate(0.5, .cosine, warmUpEpochs: 1)
    let trainer = try Trainer(Self.network(), data: DataSets.open("digits"), options: options)
    while !trainer.isFinished { _ = try trainer.runEpoch() }
    let losses = trainer.history.map(\.loss)
    #expect(losses[9] < 0.7 * losses[0])
    #expect(try trainer.evaluateTest().accuracy > 0.5)
  }

  @Test func endsEarlyWithoutProgress() throws {
    var options = Self.options(epochs: 50)
    options.patience = 2
    // A rate this low changes nothing that could be seen.
    options.rate = LearningRate(1e-12, .constant)
    let trainer = try Trainer(Self.network(), data: DataSets.open("digits"), options: options)
    while !trainer.isFinished { _ = try trainer.runEpoch() }
    #expect(trainer.history.count < 10)
    let best = trainer.history.map(\.heldOutAccuracy).max()
    #expect(trainer.history.dropLast(2).contains { $0.heldOutAccuracy == best })
  }

  @Test func refusesWhatDoesNotFit() throws {
    let digits = try DataSets.open("digits")
    let fewClasses = try Network(input: [1, 8, 8]) { $0.flattened().linear(7) }
    let otherSize = try Network(input: [3, 8, 8]) { $0.flattened().linear(10) }
    for (network, text) in [
      (fewClasses, "digits has 10 classes, but the network's scores are 1×7; "),
      (otherSize, "The network takes images of 3×8×8, but those of digits are 1×8×8."),
    ] {
      let error = #expect(throws: ConvoyError.self) { try Trainer(network, data: digits) }
      #expect(error?.message.hasPrefix(text) == true, "\(error?.message ?? "")")
    }
  }

  @Test func aLossThatIsNoNumberEndsTheTraining() throws {
    var options = Self.options(epochs: 5)
    options.rate = LearningRate(1e30, .constant)
    options.step.gradientClip = nil
    let trainer = try Trainer(Self.network(), data: DataSets.open("digits"), options: options)
    let error = #expect(throws: ConvoyError.self) {
      while !trainer.isFinished { _ = try trainer.runEpoch() }
    }
    #expect(error?.message.contains("a learning rate below 1e+30 may help") == true)
  }
}

@Suite struct LearningRateTests {
  @Test func warmUpRisesEvenlyAndCoursesEndWhereTheySay() {
    let cosine = LearningRate(0.1, .cosine, warmUpEpochs: 2)
    let rates = (0..<100).map { cosine.rate(step: $0, stepsPerEpoch: 10, epochs: 10) }
    #expect(Array(rates[0..<20]) == rates[0..<20].sorted())
    #expect(Array(rates[20...]) == rates[20...].sorted(by: >))
    #expect(abs(rates[20] - 0.1) < 1e-6)
    #expect(rates[99] < 1e-4)

    let step = LearningRate(1, .step(every: 3, factor: 0.5))
    let epochs = (0..<9).map { step.rate(step: $0 * 10 + 9, stepsPerEpoch: 10, epochs: 9) }
    #expect(epochs == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25])

    let cycle = LearningRate(1, .oneCycle)
    let cycleRates = (0..<1000).map { cycle.rate(step: $0, stepsPerEpoch: 100, epochs: 10) }
    #expect(abs(cycleRates[0] - 0.04) < 1e-6)
    #expect(abs(cycleRates[300] - 1) < 1e-3)
    #expect(cycleRates[999] < 1e-3)
  }
}

@Suite struct AugmentationTests {
  @Test func flippingMirrorsEachRow() {
    var image = (0..<24).map(Float.init)
    let augmentation = Augmentation(flips: true)
    var seen = Set<[Float]>()
    for seed in 0..<20 {
      var copy = image
      var random = Random(seed: UInt64(seed))
      copy.withUnsafeMutableBufferPointer {
        augmentation.apply(to: $0, shape: [2, 3, 4], using: &random)
      }
      seen.insert(copy)
    }
    let mirrored = stride(from: 0, to: 24, by: 4).flatMap { image[$0..<$0 + 4].reversed() }
    #expect(seen == [image, mirrored])
    image.removeAll()
  }

  @Test func croppingMovesByAtMostThePadding() {
    // A single bright pixel in the middle ends up within the padding of where it was.
    let augmentation = Augmentation(cropPadding: 2)
    var places = Set<Int>()
    for seed in 0..<300 {
      var image = [Float](repeating: 0, count: 81)
      image[40] = 1
      var random = Random(seed: UInt64(seed))
      image.withUnsafeMutableBufferPointer {
        augmentation.apply(to: $0, shape: [1, 9, 9], using: &random)
      }
      #expect(image.reduce(0, +) == 1)
      places.insert(image.firstIndex(of: 1) ?? -1)
    }
    let allowed = (2...6).flatMap { y in (2...6).map { x in y * 9 + x } }
    #expect(places == Set(allowed))
  }

  @Test func jitterStaysInRangeAndKeepsGreyGrey() {
    var random = Random(seed: 4)
    for _ in 0..<50 {
      var image = (0..<16).map { _ in random.uniform() }
      image = image + image + image
      image.withUnsafeMutableBufferPointer {
        Augmentation(colorJitter: 0.8).apply(to: $0, shape: [3, 4, 4], using: &random)
      }
      #expect(image.allSatisfy { (0...1).contains($0) })
      for pixel in 0..<16 {
        #expect(abs(image[pixel] - image[16 + pixel]) < 1e-6)
        #expect(abs(image[pixel] - image[32 + pixel]) < 1e-6)
      }
    }
  }
}
