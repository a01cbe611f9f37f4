import ConvoyTensors
import Testing

@Suite struct ExtentsTests {
  private static func draw(_ random: inout Random) -> Extents {
    Extents(random.below(9), 1 + random.below(9), 1 + random.below(9))
  }

  @Test func dimensionsAreThoseOfTheSubscript() {
    var extents = Extents(2, 3, 5)
    #expect((0..<3).map { extents[$0] } == [extents.depth, extents.height, extents.width])
    for axis in 0..<3 { extents[axis] += 1 }
    #expect(extents == Extents(3, 4, 6))
    #expect(extents.volume == 72 && extents.min() == 3 && extents.max() == 6)
    #expect("\(extents)" == "3×4×6")
  }

  @Test func arithmeticIsByDimension() {
    var random = Random(seed: 4)
    for _ in 0..<50 {
      let (a, b, c) = (Self.draw(&random), Self.draw(&random) + 1, random.below(5) + 1)
      for axis in 0..<3 {
        #expect((a + b)[axis] == a[axis] + b[axis])
        #expect((a - b)[axis] == a[axis] - b[axis])
        #expect((a * b)[axis] == a[axis] * b[axis])
        #expect((a / b)[axis] == a[axis] / b[axis])
        #expect(pointwiseMin(a, b)[axis] == min(a[axis], b[axis]))
        #expect(pointwiseMax(a, b)[axis] == max(a[axis], b[axis]))
      }
      let same = Extents(repeating: c)
      #expect(a + c == a + same && a - c == a - same && a / c == a / same)
      #expect(a * c == a * same && c * a == a * same)
      #expect(a + .zero == a && a * .one == a)
    }
  }

  @Test func missingDimensionsAreInFront() {
    #expect(Extents(spatial: [7]) == Extents(1, 1, 7))
    #expect(Extents(spatial: [6, 7]) == Extents(1, 6, 7))
    #expect(Extents(spatial: [5, 6, 7]) == Extents(5, 6, 7))
    #expect(Extents(spatial: [7], missing: 0) == Extents(0, 0, 7))
  }
}
