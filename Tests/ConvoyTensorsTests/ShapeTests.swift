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
