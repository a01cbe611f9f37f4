import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct DropoutTests {
  static let step = ReferenceTensor([], [5])

  @Test func gradientsMatchDifferences() throws {
    var random = Random(seed: 71)
    for shape in [[2, 3, 2, 2], [1, 58, 1, 1], [7]] as [Shape] {
      try expectGradientsMatchDifferences(
        of: DropoutTraining(rate: 0.4, stream: 9), inputs: [shape, []], differentiated: [0],
        random: &random
      ) { index, random in index == 0 ? random.normal() : 3 }
      try expectGradientsMatchDifferences(
        of: Dropout(rate: 0.4), inputs: [shape], random: &random)
    }
  }

  @Test func keepsTheExpectedPartAndScalesIt() throws {
    let count = 100_000
    let ones = ReferenceTensor([count], repeating: 1)
    for rate: Float in [0, 0.1, 0.5, 0.9] {
      let result = try referenceOutputs(
        of: DropoutTraining(rate: rate, stream: 1), [ones, Self.step])[0].elements
      let kept = result.filter { $0 != 0 }
      #expect(kept.allSatisfy { $0 == 1 / (1 - Double(rate)) })
      // Five standard deviations of a binomial count.
      let expected = Double(count) * (1 - Double(rate))
      #expect(abs(Double(kept.count) - expected) <= 5 * (expected * Double(rate)).squareRoot())
    }
  }

  @Test func theMaskIsAFunctionOfStreamAndStep() throws {
    let ones = ReferenceTensor([2, 3, 8, 8], repeating: 1)
    func mask(stream: UInt64, step: Double) throws -> ReferenceTensor {
      try referenceOutputs(
        of: DropoutTraining(rate: 0.5, stream: stream), [ones, ReferenceTensor([], [step])])[0]
    }
    #expect(try mask(stream: 1, step: 5) == mask(stream: 1, step: 5))
    #expect(try mask(stream: 1, step: 5) != mask(stream: 1, step: 6))
    #expect(try mask(stream: 1, step: 5) != mask(stream: 2, step: 5))
    // No step at all is step 0, not a crash.
    #expect(try mask(stream: 1, step: .nan) == mask(stream: 1, step: 0))
    #expect(try mask(stream: 1, step: -1) == mask(stream: 1, step: 0))
  }

  /// What the generated kernels compute, written out.
  @Test func theMaskIsTheDocumentedHash() {
    let (stream, rate): (UInt64, Float) = (0xFEED, 0.3)
    let key = DropoutTraining.key(stream: stream, step: 12)
    #expect(key == Random.hash(stream &+ 12 &* Random.goldenGamma))
    for index in 0..<1000 {
      let uniform = Float(Random.hash(key &+ UInt64(index)) >> 40) / 16_777_216
      #expect(DropoutTraining.isKept(index, key: key, rate: rate) == (uniform >= rate))
      let bits = DropoutMask(key: key, rate: rate).bits(index)
      #expect(bits == (uniform >= rate ? .max : 0))
    }
  }

  /// The authors' test vectors.
  @Test func streamsAreFNV1a() {
    #expect(DropoutTraining.stream(named: "") == 0xCBF2_9CE4_8422_2325)
    #expect(DropoutTraining.stream(named: "a") == 0xAF63_DC4C_8601_EC8C)
    #expect(DropoutTraining.stream(named: "foobar") == 0x8594_4171_F739_67E8)
  }

  @Test func trainingFormHasOneStepForTheWholeGraph() throws {
    let network = try Network(input: [3, 4, 4]) { image in
      image.dropout(0.2).scope("block") { $0.dropout().scope("inner") { $0.dropout(name: "last") } }
    }
    #expect(network.graph.parameters.isEmpty)
    let training = try network.graph.inTrainingForm()
    #expect(training.parameters.map { training[$0].name } == ["training.step"])
    #expect(
      training.nodes.map(\.name)
        == ["dropout1.training", "block.dropout1.training", "block.inner.last.training"])
    let operations = training.nodes.compactMap { $0.operation as? DropoutTraining }
    #expect(
      operations.map(\.stream)
        == ["dropout1", "block.dropout1", "block.inner.last"].map(DropoutTraining.stream(named:)))
    #expect(operations.map(\.rate) == [0.2, 0.5, 0.5])
    // The form stays itself when the graph is built anew.
    #expect(try training.inTrainingForm().nodes.map(\.name) == training.nodes.map(\.name))
  }

  @Test func theBackwardHalfDrawsTheSameMask() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", [1, 3, 5, 5])
    let y = x.applying(DropoutTraining(rate: 0.5, stream: 4), [builder.trainingStep()])
    builder.output("y", y)
    builder.output("gradient", builder.gradients(of: y.sum(), withRespectTo: [x])[0])
    let outputs = try builder.finish().outputsByReference([
      "x": ReferenceTensor([1, 3, 5, 5], repeating: 1), "training.step": Self.step,
    ])
    #expect(outputs["y"] == outputs["gradient"])
  }

  @Test func outsideTrainingItDoesNothing() throws {
    var random = Random(seed: 72)
    let x = ReferenceTensor(normal: [2, 3], using: &random)
    #expect(try referenceOutputs(of: Dropout(rate: 0.5), [x]) == [x])
    #expect(Dropout(rate: 0.5).traits(inputs: [[2, 3]], outputs: [[2, 3]]).effect == .nothing)
  }

  @Test func refusals() {
    for rate: Float in [-0.1, 1, .nan] {
      expectRefusal(
        of: Dropout(rate: rate), inputs: [[2]],
        "expected a rate from 0 to less than 1, got \(rate)")
    }
    expectRefusal(
      of: DropoutTraining(rate: 0.5, stream: 0), inputs: [[2], [1]],
      "expected a scalar training step, got shape 1")
  }
}
