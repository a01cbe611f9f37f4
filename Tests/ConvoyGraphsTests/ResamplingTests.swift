import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct ResamplingTests {
  private let filters: [Resampling.Filter] = [
    .nearest(.halfDown), .nearest(.up), .linear, .cubic(-0.75), .cubic(-0.5),
  ]

  private func randomResampling(of shape: Shape, _ random: inout Random) -> Resampling {
    let dimension = random.below(shape.rank)
    let extent = 1 + random.below(9)
    let places = Resize.Coordinates.allCases
    let filter = filters[random.below(filters.count)]
    return Resampling(
      dimension: dimension, to: extent, scale: Float(extent) / Float(shape[dimension]), filter,
      coordinates: places[random.below(places.count)], isAntialiased: random.below(2) == 0,
      excludesOutside: random.below(2) == 0)
  }

  private func randomShape(_ random: inout Random) -> Shape {
    Shape((0..<1 + random.below(3)).map { _ in 1 + random.below(7) })
  }

  /// The weights of each output add up to 1.
  @Test func constantsStay() throws {
    var random = Random(seed: 31)
    for _ in 0..<200 {
      let shape = randomShape(&random)
      let resampling = randomResampling(of: shape, &random)
      let result = try referenceOutputs(
        of: resampling, [ReferenceTensor(shape, repeating: 3)])[0]
      expectClose(result, ReferenceTensor(result.shape, repeating: 3))
    }
  }

  /// Along one dimension after the other it is what `Resize` is along all of them.
  @Test func dimensionsTogetherAreAResize() throws {
    var random = Random(seed: 32)
    for _ in 0..<60 {
      let shape = Shape([2, 2] + (0..<1 + random.below(3)).map { _ in 1 + random.below(5) })
      let resize = ResizeTests.randomResize(of: shape, &random)
      let image = ReferenceTensor(normal: shape, using: &random)
      guard let wanted = try? referenceOutputs(of: resize, [image])[0], wanted.shape != shape
      else { continue }
      var result = image
      for dimension in 2..<shape.rank {
        let scale =
          switch resize.size {
          case .extents(let extents): Float(extents[dimension - 2]) / Float(shape[dimension])
          case .scales(let scales): scales[dimension - 2]
          }
        let filter: Resampling.Filter =
          switch resize.interpolation {
          case .linear: .linear
          case .nearest(let rounding): .nearest(rounding)
          }
        let resampling = Resampling(
          dimension: dimension, to: wanted.shape[dimension], scale: scale, filter,
          coordinates: resize.coordinates)
        result = try referenceOutputs(of: resampling, [result])[0]
        result.type = .float32
      }
      expectClose(result, wanted)
    }
  }

  /// Pixels are areas: an image that is reversed first is reversed afterwards.
  @Test func reversalCommutes() throws {
    var random = Random(seed: 33)
    for _ in 0..<60 {
      let (extent, wanted) = (1 + random.below(8), 1 + random.below(8))
      let row = ReferenceTensor(normal: [extent], using: &random)
      let resampling = Resampling(
        dimension: 0, to: wanted, scale: Float(wanted) / Float(extent),
        filters[2 + random.below(3)], isAntialiased: random.below(2) == 0,
        excludesOutside: random.below(2) == 0)
      let result = try referenceOutputs(of: resampling, [row])[0]
      let reversed = try referenceOutputs(
        of: resampling, [ReferenceTensor([extent], row.elements.reversed())])[0]
      let back = ReferenceTensor([wanted], reversed.elements.reversed())
      expectClose(result, back, tolerance: 1e-5)
    }
  }

  /// A crop of the whole aligns corners; outside of the dimension is another number.
  @Test func crops() throws {
    var random = Random(seed: 34)
    let row = ReferenceTensor(normal: [5], using: &random)
    for filter in filters {
      func resampled(_ crop: Resampling.Crop?) throws -> ReferenceTensor {
        let resampling = Resampling(
          dimension: 0, to: 7, scale: 7 / 5, filter, coordinates: .alignCorners, crop: crop)
        return try referenceOutputs(of: resampling, [row])[0]
      }
      expectClose(
        try resampled(.init(start: 0, end: 1, outside: 9)), try resampled(nil), tolerance: 1e-6)
      let outside = try resampled(.init(start: 1.25, end: 2, outside: 9))
      #expect(outside.elements == Array(repeating: 9, count: 7))
    }
  }

  @Test func nearestKeepsEveryType() throws {
    for type in ElementType.allCases {
      let row = try Tensor([4], [0, 1, 1, 0]).converted(to: type)
      let resampling = Resampling(
        dimension: 0, to: 8, scale: 2, .nearest(.down), coordinates: .asymmetric)
      let made = resampling.define([row], outputs: [TensorType([8], type)])
      #expect(made == [try Tensor([8], [0, 0, 1, 1, 1, 1, 0, 0]).converted(to: type)])
    }
  }

  @Test func refusals() {
    func refuses(_ resampling: Resampling) {
      #expect(throws: ConvoyError.self) { try resampling.outputShapes(for: [[4, 6]]) }
    }
    refuses(Resampling(dimension: 2, to: 6, scale: 1, .linear))
    for scale: Float in [0, -1, .nan, .infinity, 3, 0.1] {
      refuses(Resampling(dimension: 1, to: 6, scale: scale, .linear))
    }
    for extent in [0, -1, .max] {
      refuses(Resampling(dimension: 1, to: extent, scale: Float(extent) / 6, .linear))
    }
  }
}
