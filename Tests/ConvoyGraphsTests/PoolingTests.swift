import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct PoolingTests {
  static let functions: [Pooling.Function] = [
    .maximum, .average(countsPadding: true), .average(countsPadding: false),
  ]

  /// A random window over 1, 2 or 3 dimensions that every image can fill, and an image for it.
  static func randomCase(_ random: inout Random) -> (window: Window, image: Shape) {
    let rank = 1 + random.below(3)
    let kernel = (0..<rank).map { _ in 1 + random.below(3) }
    let dilation = 1 + random.below(2)
    let window = Window(
      kernel: kernel, stride: (0..<rank).map { _ in 1 + random.below(3) }, dilation: dilation,
      padding: random.below(4) == 0
        ? .same
        : .explicit(
          before: kernel.map { random.below($0) }, after: kernel.map { random.below($0) }),
      roundsUp: random.below(2) == 0)
    let extents = (0..<rank).map { window.span($0) + random.below(4) }
    return (window, Shape([1 + random.below(2), 1 + random.below(3)] + extents))
  }

  @Test func gradientsMatchDifferences() throws {
    var random = Random(seed: 11)
    for _ in 0..<12 {
      let (window, image) = Self.randomCase(&random)
      for function in Self.functions {
        try expectGradientsMatchDifferences(
          of: Pooling(function, window: window), inputs: [image], random: &random)
      }
    }
  }

  @Test(
    arguments: [[2, 3, 1, 1], [1, 58, 2, 3], [1, 116, 1, 1], [1, 3, 5], [1, 2, 2, 3, 2]] as [Shape])
  func globalGradientsMatchDifferences(_ image: Shape) throws {
    var random = Random(seed: 12)
    for function in Self.functions {
      try expectGradientsMatchDifferences(
        of: Pooling(function, window: nil), inputs: [image], random: &random)
    }
  }

  @Test func averageIsADepthwiseConvolutionWithConstantWeights() throws {
    var random = Random(seed: 13)
    for _ in 0..<20 {
      var (window, shape) = Self.randomCase(&random)
      window.roundsUp = false
      let image = ReferenceTensor(normal: shape, using: &random)
      let weights = ReferenceTensor(
        Shape([shape[1], 1] + window.kernel), repeating: 1 / Double(window.elementCount))
      let depthwise = Convolution(window, groups: shape[1])
      let expected = try referenceOutputs(of: depthwise, [image, weights])[0]
      let average = Pooling(.average(countsPadding: true), window: window)
      expectClose(try referenceOutputs(of: average, [image])[0], expected)

      // Without the padding: divided by how much of each window lies on an image of ones.
      let ones = ReferenceTensor(shape, repeating: 1)
      let parts = try referenceOutputs(of: depthwise, [ones, weights])[0]
      let uncounted = Pooling(.average(countsPadding: false), window: window)
      let quotients = zip(expected.elements, parts.elements).map { $0 / $1 }
      expectClose(
        try referenceOutputs(of: uncounted, [image])[0], ReferenceTensor(expected.shape, quotients))
    }
  }

  @Test func poolingAConstantGivesTheConstant() throws {
    var random = Random(seed: 14)
    for _ in 0..<20 {
      let (window, shape) = Self.randomCase(&random)
      // Negative: padding that took part would win the maximum.
      let image = ReferenceTensor(shape, repeating: -3)
      for function in [Pooling.Function.maximum, .average(countsPadding: false)] {
        for pooling in [Pooling(function, window: window), Pooling(function, window: nil)] {
          let result = try referenceOutputs(of: pooling, [image])[0]
          expectClose(result, ReferenceTensor(result.shape, repeating: -3))
        }
      }
    }
  }

  @Test func globalIsAWindowAsLargeAsTheImage() throws {
    var random = Random(seed: 15)
    for shape in [[2, 3, 1, 1], [1, 58, 4, 3], [2, 116, 2, 2]] as [Shape] {
      let image = ReferenceTensor(normal: shape, using: &random)
      for function in Self.functions {
        let window = Window(kernel: Array(shape.dimensions.dropFirst(2)))
        let whole = try referenceOutputs(of: Pooling(function, window: window), [image])
        #expect(try referenceOutputs(of: Pooling(function, window: nil), [image]) == whole)
        #expect(whole[0].shape == [shape[0], shape[1], 1, 1])
      }
    }
  }

  /// By hand, from PyTorch's definition: the windows start at −1, 1, 3 and 5; the last one ends with
  /// the padding, at 7, not at 8.
  @Test func roundingUpClipsTheDivisorToThePaddedImage() throws {
    let image = ReferenceTensor([1, 1, 6], [1, 2, 3, 4, 5, 6])
    let window = Window(kernel: [3], stride: 2, padding: 1, roundsUp: true)
    func pooled(_ function: Pooling.Function) throws -> [Double] {
      try referenceOutputs(of: Pooling(function, window: window), [image])[0].elements
    }
    #expect(try pooled(.average(countsPadding: true)) == [1, 3, 5, 3])
    #expect(try pooled(.average(countsPadding: false)) == [1.5, 3, 5, 6])
    #expect(try pooled(.maximum) == [2, 4, 6, 6])
  }

  @Test func maximumsGradientGoesToTheFirstOfEqualElements() throws {
    let image = ReferenceTensor([1, 1, 3, 3], [0, 7, 7, 0, 7, 0, 0, 0, 0])
    let gradient = ReferenceTensor([1, 1, 2, 2], [1, 2, 3, 4])
    let pooling = Pooling(.maximum, window: Window(kernel: [2, 2]))
    let result = try referenceOutputs(of: PoolingGradient(pooling: pooling), [image, gradient])
    #expect(result[0].elements == [0, 3, 0, 0, 7, 0, 0, 0, 0])
  }

  /// Windows of padding only, as ONNX Runtime 1.32 has them: dilated windows that step over the image.
  @Test(
    arguments: [
      (.maximum, -3.402_823_466_385_288_6e38), (.average(countsPadding: true), 0),
      (.average(countsPadding: false), 0),
    ] as [(Pooling.Function, Double)])
  func windowsOfPadding(function: Pooling.Function, expected: Double) throws {
    let row = Window(
      kernel: [2], stride: 1, dilation: 3, padding: .explicit(before: [1], after: [1]))
    #expect(
      try referenceOutputs(
        of: Pooling(function, window: row), [ReferenceTensor([1, 1, 2], [-1, -2])]
      )[0].elements == [expected])
    // One of two rows, and columns that hold elements.
    let image = Window(
      kernel: [2, 2], stride: 1, dilation: [2, 1],
      padding: .explicit(before: [1, 0], after: [2, 0]))
    #expect(
      try referenceOutputs(
        of: Pooling(function, window: image), [ReferenceTensor([1, 1, 1, 3], [-1, -2, -3])]
      )[0].elements.prefix(2) == [expected, expected])
  }

  @Test func refusals() {
    expectRefusal(
      of: Pooling(.maximum, window: nil), inputs: [[1, 3]],
      "expected an image of shape batch×channels×extents, with at most 3 extents, got 1×3")
    expectRefusal(
      of: Pooling(.maximum, window: nil), inputs: [[1, 3, 2, 2, 2, 2]],
      "expected an image of shape batch×channels×extents, with at most 3 extents, got 1×3×2×2×2×2")
    expectRefusal(
      of: Pooling(.maximum, window: Window(kernel: [3])), inputs: [[1, 3, 2]],
      "expected an image of at least 3 with its padding in spatial dimension 1, got 2 + 0 + 0")
    expectRefusal(
      of: PoolingGradient(pooling: Pooling(.maximum, window: nil)),
      inputs: [[1, 3, 4, 4], [1, 3, 4, 4]],
      "expected a gradient of shape 1×3×1×1, got 1×3×4×4")
    let error = #expect(throws: ConvoyError.self) {
      try Network(input: [3, 4, 4]) { $0.maxPooling(2).averagePooling([3, 1, 1]) }
    }
    #expect(
      error?.message == "pooling2: expected 2 kernel extents, one a spatial dimension, got 3.")
  }

  @Test func builds() throws {
    let network = try Network(input: [3, 13, 12]) { image in
      #expect(image.maxPooling(3).shape == [1, 3, 4, 4])
      #expect(image.maxPooling([3, 2], stride: 2, padding: 1).shape == [1, 3, 7, 7])
      #expect(image.averagePooling(2, roundsUp: true).shape == [1, 3, 7, 6])
      #expect(image.averagePooling([2, 3], dilation: [1, 2]).shape == [1, 3, 6, 3])
      #expect(image.globalMaxPooling().shape == [1, 3, 1, 1])
      return image.globalAveragePooling(name: "head")
    }
    #expect(network.graph.nodes.last?.name == "head")
    #expect(network.graph.nodes.first?.operation.glyph.label == "max 3×3 s3")
  }
}
