import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct ConvolutionTests {
  /// A random convolution and the shapes of its inputs, over 1, 2 and 3 dimensions.
  static func randomCase(
    _ random: inout Random
  ) -> (convolution: Convolution, image: Shape, weights: Shape) {
    let rank = 1 + random.below(3)
    let groups = 1 + random.below(3)
    let kernel = (0..<rank).map { _ in 1 + random.below(3) }
    let window = Window(
      kernel: kernel, stride: (0..<rank).map { _ in 1 + random.below(3) },
      dilation: (0..<rank).map { _ in 1 + random.below(2) },
      padding: random.below(3) == 0
        ? .same
        : .explicit(
          before: (0..<rank).map { _ in random.below(3) },
          after: (0..<rank).map { _ in random.below(3) }))
    let extents = (0..<rank).map { window.span($0) + random.below(3) }
    let inputs = groups * (1 + random.below(2))
    let outputs = groups * (1 + random.below(2))
    return (
      Convolution(window, groups: groups), Shape([1 + random.below(2), inputs] + extents),
      Shape([outputs, inputs / groups] + kernel)
    )
  }

  @Test func gradientsMatchDifferences() throws {
    var random = Random(seed: 1)
    for _ in 0..<20 {
      let (convolution, image, weights) = Self.randomCase(&random)
      try expectGradientsMatchDifferences(
        of: convolution, inputs: [image, weights, [weights[0]]], random: &random)
    }
  }

  @Test func transposedGradientsMatchDifferences() throws {
    var random = Random(seed: 2)
    for _ in 0..<20 {
      let (convolution, image, weights) = Self.randomCase(&random)
      let spatial = Array(image.dimensions.dropFirst(2))
      let output = try convolution.outputShapes(for: [image, weights])[0]
      let fixed = convolution.window.withPadding(resolvedFor: spatial)
      let transposed = TransposedConvolution(
        fixed, groups: convolution.groups, outputExtents: spatial)
      #expect(try transposed.outputShapes(for: [output, weights]) == [image])
      try expectGradientsMatchDifferences(
        of: transposed, inputs: [output, weights, [image[1]]], random: &random)
    }
  }

  @Test func weightGradientsMatchDifferences() throws {
    var random = Random(seed: 3)
    for _ in 0..<10 {
      let (convolution, image, weights) = Self.randomCase(&random)
      let output = try convolution.outputShapes(for: [image, weights])[0]
      try expectGradientsMatchDifferences(
        of: ConvolutionWeightGradient(convolution.window, groups: convolution.groups),
        inputs: [image, output], random: &random)
    }
  }

  @Test func samePaddingGivesTheCeilingOfTheRatio() throws {
    for extent in 1...12 {
      for stride in 1...4 {
        for kernel in 1...5 {
          let window = Window(kernel: [kernel], stride: stride, padding: .same)
          #expect(try window.outputExtents(for: [extent]) == [(extent + stride - 1) / stride])
        }
      }
    }
  }

  @Test(
    arguments: [
      (
        3, 96, 5,
        "convolution1: expected a number of groups that divides the 3 input channels, got 5."
      ),
      (
        96, 256, 3,
        "convolution1: expected a number of groups that divides the 256 output channels, got 3."
      ),
      (4, 4, 0, "convolution1: expected at least 1 group, got 0."),
    ])
  func refusesGroupsThatDoNotDivide(_ inputs: Int, _ outputs: Int, _ groups: Int, _ text: String) {
    let error = #expect(throws: ConvoyError.self) {
      try Network(input: [inputs, 8, 8]) { $0.convolution(outputs, kernel: 3, groups: groups) }
    }
    #expect(error?.message == text)
  }

  @Test func refusesKernelsLargerThanThePaddedImage() {
    let error = #expect(throws: ConvoyError.self) {
      try Network(input: [3, 4, 4]) { $0.convolution(8, kernel: 7, padding: 1) }
    }
    #expect(
      error?.message
        == "convolution1: expected an image of at least 7 with its padding in spatial dimension 1, "
        + "got 4 + 1 + 1.")
  }
}
