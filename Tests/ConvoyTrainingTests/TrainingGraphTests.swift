import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import ConvoyTraining
import Foundation
import Testing

/// What passes over training steps change, and that they change no result.
@Suite struct TrainingGraphTests {
  /// Batch norms with and without activations, one read twice, a split, a sum, a shuffle and a pooling.
  static func network() throws -> Network {
    try Network(input: [3, 12, 12]) { image in
      let stem = image.convolution(24, kernel: 3, padding: 1, bias: false)
        .batchNormalization().relu().maxPooling(2)
      let halves = stem.split(into: 2)
      let branch = halves[1].convolution(12, kernel: 1, bias: false).batchNormalization()
        .applying(.clip(low: 0, high: 6))
        .convolution(12, kernel: 3, padding: 1, groups: 12, bias: false).batchNormalization()
      let joined = concatenate([halves[0], branch.silu() + branch])
      return joined.channelShuffle(groups: 2).convolution(20, kernel: 1, groups: 2, bias: false)
        .batchNormalization().silu().globalAveragePooling().flattened().linear(5)
    }
  }

  /// The parameters after some steps, and each step's loss.
  static func trained(
    _ graph: Graph, steps: Int = 4
  ) throws -> (losses: [Float], parameters: [String: Tensor]) {
    let plan = try graph.compiledWithVariables(
      options: CompileOptions(pool: ThreadPool(threadCount: 1)))
    let variables = try Variables(plan, parameters: Network(graph).initialized(seed: 3).parameters)
    var random = Random(seed: 4)
    let losses = try (0..<steps).map { _ in
      let labels = try Tensor([6], elements: (0..<6).map { _ in Int32(random.below(5)) })
      let outputs = try plan.run(
        named: [
          "image": Tensor(normal: [6, 3, 12, 12], using: &random), "labels": labels,
          "rate": Tensor([], repeating: 0.05),
        ], variables: variables)
      return try #require(outputs["loss"]).elements[0]
    }
    return (losses, variables.tensors)
  }

  @Test func recomputingChangesNoBit() throws {
    let network = try Self.network()
    let options = StepOptions(optimizer: .sgd(), weightDecay: 1e-3)
    let kept = try network.graph.trainingStep(batch: 6, options)
    let recomputed = try network.graph.trainingStep(batch: 6, options, recomputing: true)
    func normalizations(_ graph: Graph) -> Int {
      graph.nodes.count { $0.operation is BatchNormalization }
    }
    #expect(normalizations(kept) == 0)
    // The last one's result is read by nothing but a pooling, which needs no image.
    #expect(normalizations(recomputed) >= 3)
    let (one, other) = (try Self.trained(kept), try Self.trained(recomputed))
    #expect(one.losses == other.losses)
    #expect(one.parameters == other.parameters)
    #expect(Set(one.losses).count == one.losses.count, "Nothing was trained.")
  }

  @Test func recomputingTakesLessMemory() throws {
    let network = try Network(input: [16, 32, 32]) { image in
      (0..<6).reduce(image) { image, _ in
        image.convolution(16, kernel: 1, bias: false).batchNormalization().relu()
      }.globalAveragePooling().flattened().linear(3)
    }
    let bytes = try [false, true].map { recomputing in
      try network.graph.trainingStep(batch: 4, StepOptions(), recomputing: recomputing)
        .compiledWithVariables().arenaBytes
    }
    #expect(Double(bytes[1]) < 0.75 * Double(bytes[0]))
  }

  /// A step over the same images twice is the step over them once, but that running statistics move twice.
  @Test func accumulatingEqualParts() throws {
    let graph = try Self.network().graph
    func step(_ accumulation: Int, images: Int) throws -> [String: Tensor] {
      let options = StepOptions(
        optimizer: .sgd(), weightDecay: 1e-3, accumulation: accumulation)
      let step = try graph.trainingStep(batch: images, options)
      let plan = try step.compiledWithVariables(
        options: CompileOptions(pool: ThreadPool(threadCount: 1)))
      let variables = try Variables(
        plan, parameters: Network(step).initialized(seed: 3).parameters)
      var random = Random(seed: 4)
      let once = Tensor(normal: [3, 3, 12, 12], using: &random).elements
      let copies = images / 3
      let outputs = try plan.run(
        named: [
          "image": try Tensor([images, 3, 12, 12], (0..<copies).flatMap { _ in once }),
          "labels": try Tensor([images], elements: (0..<images).map { Int32($0 % 3) }),
          "rate": Tensor([], repeating: 0.05),
        ], variables: variables)
      var all = variables.tensors
      all["loss"] = outputs["loss"]
      #expect(outputs["scores"]?.shape == [images, 5])
      return all
    }
    let once = try step(1, images: 3)
    let twice = try step(2, images: 6)
    #expect(Set(once.keys) == Set(twice.keys))
    let start = Network(graph).initialized(seed: 3).parameters
    for (name, tensor) in once {
      let other = try #require(twice[name])
      let isRunning = name.contains(".running_")
      #expect(tensor.type == other.type)
      let (ones, twos) = (tensor.converted(to: .float32), other.converted(to: .float32))
      for (index, (one, two)) in zip(ones.elements, twos.elements).enumerated() {
        if isRunning {
          // r ← r + m · (x − r), twice: the second step is 1 − m times as long as the first.
          let first = Double(one) - Double(try #require(start[name]).elements[index])
          let second = Double(two) - Double(one)
          #expect(abs(second - 0.9 * first) <= 1e-5 * (1 + abs(first)), "\(name)")
        } else {
          #expect(abs(one - two) <= 1e-5 * (1 + abs(one)), "\(name)")
        }
      }
    }
    #expect(once.keys.contains { $0.hasSuffix(".running_var") })
  }

  @Test func accumulatingTakesLessMemory() throws {
    let graph = try Self.network().graph
    let bytes = try [1, 4].map { parts in
      try graph.trainingStep(batch: 32, StepOptions(accumulation: parts)).compiledWithVariables()
        .arenaBytes
    }
    #expect(Double(bytes[1]) < 0.4 * Double(bytes[0]))
  }

  @Test func recomputingAccumulatedPartsChangesNoBit() throws {
    let graph = try Self.network().graph
    let options = StepOptions(optimizer: .sgd(), accumulation: 3)
    let kept = try Self.trained(graph.trainingStep(batch: 6, options))
    let recomputed = try Self.trained(graph.trainingStep(batch: 6, options, recomputing: true))
    #expect(kept.losses == recomputed.losses)
    #expect(kept.parameters == recomputed.parameters)
  }

  @Test(arguments: [0, 4, -1, .max]) func unevenParts(parts: Int) throws {
    let error = #expect(throws: ConvoyError.self) {
      try Self.network().graph.trainingStep(batch: 6, StepOptions(accumulation: parts))
    }
    #expect(error?.message == "6 images cannot be cut into \(parts) even parts.")
  }

  /// Checkpoints from before there were parts.
  @Test func stepOptionsWithoutParts() throws {
    let options = StepOptions(optimizer: .adamW(), weightDecay: 0.1, gradientClip: 2)
    let text = String(decoding: try JSONEncoder().encode(options), as: UTF8.self)
    #expect(text.contains("\"accumulation\":1"))
    let old = text.replacing(/,?"accumulation":1/, with: "").replacing("{,", with: "{")
    #expect(try JSONDecoder().decode(StepOptions.self, from: Data(old.utf8)) == options)
  }

  /// The gradient of what was split is put together, not added up.
  @Test func gradientsOfSlicesAreJoined() throws {
    let step = try Self.network().graph.trainingStep(batch: 2, StepOptions())
    #expect(!step.nodes.contains { $0.operation is SliceGradient })

    let builder = GraphBuilder()
    let image = builder.input("image", [2, 7, 3])
    let parts = image.split(sizes: [2, 4, 1])
    let loss =
      (parts[0].sum() + parts[1].silu().sum().scaled(by: 2)) + parts[2].applying(.square).sum()
    builder.output("gradient", builder.gradients(of: loss, withRespectTo: [image])[0])
    let plain = try builder.finish()
    let joined = try plain.joiningSliceGradients()
    #expect(plain.nodes.count { $0.operation is SliceGradient } == 3)
    #expect(joined.nodes.count { $0.operation is SliceGradient } == 0)
    var random = Random(seed: 5)
    let given = ["image": Tensor(normal: [2, 7, 3], using: &random)]
    let results = try [plain, joined].map {
      try #require(try $0.compiled(parameters: [:]).run(named: given)["gradient"])
    }
    #expect(results[0] == results[1])
  }

  /// Slices that overlap, or leave something out, stay sums.
  @Test(arguments: [[0..<3, 2..<5], [0..<2, 3..<5], [0..<5, 0..<5]])
  func otherSlicesStay(ranges: [Range<Int>]) throws {
    let builder = GraphBuilder()
    let image = builder.input("image", [1, 5])
    let sums = ranges.map { image.sliced($0, dimension: 1).applying(.square).sum() }
    let loss = sums[0] + sums[1]
    builder.output("gradient", builder.gradients(of: loss, withRespectTo: [image])[0])
    let plain = try builder.finish()
    let joined = try plain.joiningSliceGradients()
    #expect(joined.nodes.map(\.name) == plain.nodes.map(\.name))
  }
}
