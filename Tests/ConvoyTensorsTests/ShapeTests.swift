import ConvoyTensors
import Testing

@Suite struct ShapeTests {
  @Test func countsElementsAndStrides() {
    let shape: Shape = [2, 3, 5]
    #expect(shape.elementCount == 30)
    #expect(shape.strides == [15, 5, 1])
    #expect(Shape([]).elementCount == 1)
    #expect(shape.description == "2×3×5")
  }

  @Test(arguments: [[0], [3, -1], [1 << 30, 1 << 30], [Int.max, 2]])
  func refusesWhatIsNoShape(dimensions: [Int]) {
    #expect(throws: ConvoyError.self) { try Shape(validating: dimensions) }
  }

  @Test func tensorRefusesAWrongNumberOfElements() throws {
    let error = #expect(throws: ConvoyError.self) { try Tensor([2, 2], [1, 2, 3]) }
    #expect(error?.message == "A tensor of shape 2×2 has 4 elements, got 3.")
  }

  @Test func tensorsAreValues() {
    var a = Tensor([2, 2])
    let b = a
    a[1, 0] = 5
    #expect(a.elements == [0, 0, 5, 0])
    #expect(b.elements == [0, 0, 0, 0])
  }
}

@Suite struct RandomTests {
  @Test func sameSeedSameNumbers() {
    var a = Random(seed: 7)
    var b = Random(seed: 7)
    var c = Random(seed: 8)
    let first = (0..<100).map { _ in a.next() }
    #expect(first == (0..<100).map { _ in b.next() })
    #expect(first != (0..<100).map { _ in c.next() })
  }

  @Test func normalHasMeanZeroAndVarianceOne() {
    var random = Random(seed: 3)
    let draws = (0..<100_000).map { _ in Double(random.normal()) }
    let mean = draws.reduce(0, +) / 100_000
    let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 100_000
    // Five standard errors of each estimate.
    #expect(abs(mean) < 0.016)
    #expect(abs(variance - 1) < 0.023)
  }
}
