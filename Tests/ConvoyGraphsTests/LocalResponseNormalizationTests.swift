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
    for (shape, text) in [([3], "3"), ([1, 3, 2, 2, 2, 2], "1×3×2×2×2×2")] as [(Shape, String)] {
      expectRefusal(
        of: operation(), inputs: [shape],
        "expected an image of shape batch×channels×extents, with at most 3 extents, got \(text)")
    }
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
