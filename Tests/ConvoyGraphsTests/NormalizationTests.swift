import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct LocalResponseNormalizationTests {
  @Test(arguments: 1...6)
  func gradientsMatchDifferences(_ size: Int) throws {
    var random = Random(seed: 31)
    for image in [[2, 3, 2, 1], [1, 58, 1, 1], [1, 1, 2], [2, 7]] as [Shape] {
      try expectGradientsMatchDifferences(
        of: LocalResponseNormalization(size: size, alpha: 0.8, beta: 0.75, bias: 1.5),
        inputs: [image], random: &random)
    }
  }

  /// By hand; with an even size the window reaches one channel further up than down.
  @Test func windowsAreClippedAtTheFirstAndLastChannel() throws {
    let image = ReferenceTensor([1, 3], [1, 2, 3])
    func normalised(_ size: Int) throws -> ReferenceTensor {
      // Alpha is the size, so that the squares count once each.
      let operation = LocalResponseNormalization(size: size, alpha: Float(size), beta: 1, bias: 1)
      return try referenceOutputs(of: operation, [image])[0]
    }
    expectClose(try normalised(1), ReferenceTensor([1, 3], [1.0 / 2, 2.0 / 5, 3.0 / 10]))
    expectClose(try normalised(2), ReferenceTensor([1, 3], [1.0 / 6, 2.0 / 14, 3.0 / 10]))
    expectClose(try normalised(3), ReferenceTensor([1, 3], [1.0 / 6, 2.0 / 15, 3.0 / 14]))
    expectClose(try normalised(4), ReferenceTensor([1, 3], [1.0 / 15, 2.0 / 15, 3.0 / 14]))
  }

  @Test func withoutNeighboursItIsAConstantFactor() throws {
    var random = Random(seed: 32)
    let image = ReferenceTensor(normal: [2, 58, 3], using: &random)
    let operation = LocalResponseNormalization(size: 5, alpha: 0, beta: 0.5, bias: 4)
    expectClose(
      try referenceOutputs(of: operation, [image])[0],
      ReferenceTensor(image.shape, image.elements.map { $0 / 2 }))
  }

  @Test func refusals() {
    func operation(size: Int = 5, bias: Float = 1) -> LocalResponseNormalization {
      LocalResponseNormalization(size: size, alpha: 1, beta: 0.75, bias: bias)
    }
    expectRefusal(
      of: operation(size: 0), inputs: [[1, 3]], "expected a size from 1 to 1048576, got 0")
    expectRefusal(
      of: operation(bias: 0), inputs: [[1, 3]],
      "expected an alpha of at least 0, a bias above 0 and a finite beta, got 1.0, 0.0 and 0.75")
    expectRefusal(
      of: operation(), inputs: [[3]], "expected an image of shape batch×channels×extents, got 3")
    expectRefusal(
      of: LocalResponseNormalizationGradient(size: 5, alpha: 1, beta: 1, bias: 1),
      inputs: [[1, 3], [1, 4]], "expected a gradient of shape 1×3, got 1×4")
    let error = #expect(throws: ConvoyError.self) {
      try Network(input: [3, 2, 2]) { $0.localResponseNormalization(size: -1) }
    }
    #expect(
      error?.message
        == "localResponseNormalization1: expected a size from 1 to 1048576, got -1.")
  }
}

@Suite struct SoftmaxTests {
  static let cases: [(shape: Shape, dimension: Int)] = [
    ([2, 3], 1), ([4], 0), ([2, 58, 1, 1], 1), ([3, 2, 2], 2), ([3, 2, 2], 0), ([2, 1, 3], 1),
  ]

  @Test(arguments: cases)
  func gradientsMatchDifferences(_ shape: Shape, _ dimension: Int) throws {
    var random = Random(seed: 41)
    for isLogarithmic in [false, true] {
      try expectGradientsMatchDifferences(
        of: Softmax(dimension: dimension, isLogarithmic: isLogarithmic), inputs: [shape],
        random: &random)
    }
  }

  @Test(arguments: cases)
  func sumsToOneAndHasTheLogarithm(_ shape: Shape, _ dimension: Int) throws {
    var random = Random(seed: 42)
    // Scores whose exponentials would overflow.
    let scores = ReferenceTensor(Tensor(normal: shape, deviation: 1000, using: &random))
    let graph = try graph(shape) {
      let probabilities = $0.softmax(dimension: dimension)
      return [
        "probabilities": probabilities, "sum": probabilities.sum(over: [dimension]),
        "again": $0.logSoftmax(dimension: dimension).exponential(),
        "shifted": $0.scaled(by: 1, offset: 7).softmax(dimension: dimension),
      ]
    }
    let outputs = try graph.outputsByReference(["x": scores])
    let sum = try #require(outputs["sum"])
    expectClose(sum, ReferenceTensor(sum.shape, repeating: 1))
    let probabilities = try #require(outputs["probabilities"])
    expectClose(try #require(outputs["again"]), probabilities)
    expectClose(try #require(outputs["shifted"]), probabilities, tolerance: 1e-9)
  }

  private func graph(_ shape: Shape, _ build: (Value) -> [String: Value]) throws -> Graph {
    let builder = GraphBuilder()
    for (name, value) in build(builder.input("x", shape)) { builder.output(name, value) }
    return try builder.finish()
  }

  @Test func refusals() {
    expectRefusal(
      of: Softmax(dimension: 2, isLogarithmic: false), inputs: [[2, 3]],
      "expected a dimension of the shape 2×3, got 2")
    expectRefusal(
      of: Softmax(dimension: -1, isLogarithmic: true), inputs: [[2, 3]],
      "expected a dimension of the shape 2×3, got -1")
    expectRefusal(
      of: SoftmaxGradient(dimension: 1, isLogarithmic: true), inputs: [[2, 3], [3, 2]],
      "expected a gradient of shape 2×3, got 3×2")
  }
}

@Suite struct ParametricReLUTests {
  @Test(arguments: [[2, 3, 2, 2], [1, 58, 1, 1], [3, 5]] as [Shape])
  func gradientsMatchDifferences(_ image: Shape) throws {
    var random = Random(seed: 51)
    for slope in [[image[1]], [1]] as [Shape] {
      try expectGradientsMatchDifferences(
        of: ParametricReLU(), inputs: [image, slope], random: &random
      ) { index, random in
        // Away from the kink at 0.
        let x = random.normal()
        return index == 0 ? x + (x > 0 ? 0.1 : -0.1) : x
      }
    }
  }

  @Test func equalSlopesMakeALeakyReLU() throws {
    var random = Random(seed: 52)
    let image = ReferenceTensor(normal: [2, 3, 2, 2], using: &random)
    for slope: Float in [0, 0.25, 1] {
      let leaky = try referenceOutputs(of: Elementwise(.leakyReLU(slope: slope)), [image])
      for shape in [[3], [1]] as [Shape] {
        let slopes = ReferenceTensor(shape, repeating: Double(slope))
        #expect(try referenceOutputs(of: ParametricReLU(), [image, slopes]) == leaky)
      }
    }
  }

  @Test func theLayerStartsAtAQuarter() throws {
    let graph = try Network(input: [3, 2, 2]) { $0.parametricReLU(name: "act") }.graph
    let image = ReferenceTensor([1, 3, 2, 2], repeating: -4)
    #expect(
      try graph.outputsByReference(["image": image])["scores"]
        == ReferenceTensor(image.shape, repeating: -1))
    #expect(graph.value(named: "act.weight").map { graph[$0].shape } == [3])
  }

  @Test func refusals() {
    expectRefusal(
      of: ParametricReLU(), inputs: [[2, 3, 4], [4]], "expected a slope of shape 3 or 1, got 4")
    expectRefusal(
      of: ParametricReLU(), inputs: [[3], [3]],
      "expected an image of shape batch×channels×extents, got 3")
  }
}
