import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct ResizeTests {
  static func randomResize(of image: Shape, _ random: inout Random) -> Resize {
    let interpolation: Resize.Interpolation =
      random.below(2) == 0
      ? .linear : .nearest(Resize.Rounding.allCases[random.below(Resize.Rounding.allCases.count)])
    let coordinates = Resize.Coordinates.allCases[
      random.below(Resize.Coordinates.allCases.count)]
    let spatial = image.dimensions.dropFirst(2)
    let size: Resize.Size =
      random.below(2) == 0
      ? .extents(spatial.map { _ in 1 + random.below(6) })
      : .scales(spatial.map { _ in [1, 1.5, 2, 2.7][random.below(4)] })
    return Resize(interpolation, coordinates: coordinates, size)
  }

  @Test func gradientsMatchDifferences() throws {
    var random = Random(seed: 21)
    for _ in 0..<30 {
      let shape = Shape([2, 2] + (0..<1 + random.below(3)).map { _ in 1 + random.below(4) })
      let resize = Self.randomResize(of: shape, &random)
      try expectGradientsMatchDifferences(of: resize, inputs: [shape], random: &random)
      let gradient = ResizeGradient(
        resize: resize, inputExtents: Array(shape.dimensions.dropFirst(2)))
      let resized = try resize.outputShapes(for: [shape])[0]
      #expect(try gradient.outputShapes(for: [resized]) == [shape])
      try expectGradientsMatchDifferences(of: gradient, inputs: [resized], random: &random)
    }
  }

  /// Linear resizing reproduces linear functions away from the borders; constants everywhere.
  @Test func linearFunctionsStayLinear() throws {
    let ramp = ReferenceTensor([1, 1, 4], [0, 1, 2, 3])
    let corners = Resize(.linear, coordinates: .alignCorners, .extents([7]))
    #expect(
      try referenceOutputs(of: corners, [ramp])[0].elements == [0, 0.5, 1, 1.5, 2, 2.5, 3])
    let halves = Resize(.linear, coordinates: .halfPixel, .scales([2]))
    #expect(
      try referenceOutputs(of: halves, [ramp])[0].elements
        == [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])
  }

  /// The nearest pixels at coordinates half way, or next to an integer, as ONNX Runtime 1.32 takes them:
  /// of each size and mode, the positions in a row of so many pixels.
  @Test(
    arguments: [
      (.asymmetric, .halfUp, 7, .extents([8]), [0, 1, 2, 3, 4, 4, 5, 6]),
      (
        .asymmetric, .halfUp, 15, .scales([1.2]),
        [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 13, 14]
      ),
      (.asymmetric, .halfUp, 21, .extents([12]), [0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 18, 19]),
      (
        .asymmetric, .halfDown, 29, .extents([18]),
        [0, 2, 3, 5, 6, 8, 10, 11, 13, 14, 16, 18, 19, 21, 23, 24, 26, 27]
      ),
      (.halfPixel, .halfUp, 23, .scales([0.3]), [1, 5, 8, 11, 15, 18]),
      (.halfPixel, .halfUp, 30, .extents([1]), [15]),
      (
        .halfPixel, .halfDown, 14, .extents([19]),
        [0, 1, 1, 2, 3, 4, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12, 12, 13]
      ),
      (.pyTorchHalfPixel, .halfUp, 28, .extents([2]), [7, 21]),
      (
        .pyTorchHalfPixel, .halfDown, 18, .extents([21]),
        [0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 14, 14, 15, 16, 17]
      ),
      (.asymmetric, .up, 5, .scales([1.6666666]), [0, 1, 2, 2, 3, 3, 4, 4]),
      (.asymmetric, .down, 7, .scales([0.8]), [0, 1, 2, 3, 5]),
      (.asymmetric, .down, 39, .extents([3]), [0, 12, 25]),
      (.asymmetric, .halfUp, 39, .extents([10]), [0, 4, 8, 12, 16, 19, 23, 27, 31, 35]),
      (.asymmetric, .halfDown, 38, .extents([12]), [0, 3, 6, 9, 13, 16, 19, 22, 25, 29, 32, 35]),
      (.halfPixel, .up, 38, .extents([6]), [3, 9, 16, 22, 29, 35]),
      (.halfPixel, .down, 30, .extents([2]), [6, 21]),
      (.halfPixel, .halfUp, 11, .scales([1.1]), [0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10]),
      (
        .pyTorchHalfPixel, .up, 29, .extents([15]),
        [1, 3, 5, 7, 9, 11, 13, 15, 16, 18, 20, 22, 24, 26, 28]
      ),
      (.pyTorchHalfPixel, .halfDown, 11, .scales([0.7]), [0, 2, 3, 4, 6, 7, 9]),
      // The extents stay, and with them the pixels.
      (.asymmetric, .down, 2, .scales([1.1]), [0, 1]),
      (.asymmetric, .halfUp, 8, .scales([1.1]), [0, 1, 2, 3, 4, 5, 6, 7]),
      // The product 0.7·10 is 7.
      (.asymmetric, .down, 10, .scales([0.7]), [0, 1, 2, 4, 5, 7, 8]),
    ] as [(Resize.Coordinates, Resize.Rounding, Int, Resize.Size, [Int])])
  func nearestPixels(
    coordinates: Resize.Coordinates, rounding: Resize.Rounding, extent: Int, size: Resize.Size,
    expected: [Int]
  ) throws {
    let resize = Resize(.nearest(rounding), coordinates: coordinates, size)
    let row = ReferenceTensor([1, 1, extent], (0..<extent).map(Double.init))
    #expect(try referenceOutputs(of: resize, [row])[0].elements == expected.map(Double.init))
  }

  @Test func refusals() {
    let linear = Resize(.linear, coordinates: .halfPixel, .scales([2]))
    #expect(throws: ConvoyError.self) { try linear.outputShapes(for: [[1, 2, 3, 4]]) }
    for scale: Float in [0, -1, .nan, .infinity, 1e9, 0.1] {
      let resize = Resize(.linear, coordinates: .halfPixel, .scales([scale]))
      #expect(throws: ConvoyError.self) { try resize.outputShapes(for: [[1, 2, 3]]) }
    }
    for extent in [0, -1, .max] {
      let resize = Resize(.linear, coordinates: .halfPixel, .extents([extent]))
      #expect(throws: ConvoyError.self) { try resize.outputShapes(for: [[1, 2, 3]]) }
    }
  }
}

@Suite struct MatrixProductTests {
  @Test func gradientsMatchDifferences() throws {
    var random = Random(seed: 22)
    let shapes: [(Shape, Shape)] = [
      ([3, 4], [4, 2]), ([2, 3, 4], [4, 2]), ([3, 4], [2, 4, 2]), ([2, 1, 3, 4], [3, 4, 1]),
    ]
    for (a, b) in shapes {
      try expectGradientsMatchDifferences(of: MatrixProduct(), inputs: [a, b], random: &random)
    }
  }

  @Test func refusals() {
    for (a, b): (Shape, Shape) in [([3], [3, 2]), ([2, 3], [2, 3]), ([2, 3, 4], [3, 4, 5])] {
      #expect(throws: ConvoyError.self) { try MatrixProduct().outputShapes(for: [a, b]) }
    }
  }
}
