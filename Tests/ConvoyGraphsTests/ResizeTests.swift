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
