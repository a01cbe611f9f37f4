import ConvoyTensors
import Testing

@Suite struct TensorTests {
  private func random(_ shape: Shape, seed: UInt64) -> Tensor {
    var random = Random(seed: seed)
    return Tensor(normal: shape, using: &random)
  }

  // MARK: Types

  @Test func typedAccessIsChecked() throws {
    let labels = try Tensor([3], elements: [4, 5, 6] as [Int64])
    #expect(labels.type == .int64 && labels.byteCount == 24)
    #expect(try labels.elements(as: Int64.self) == [4, 5, 6])
    #expect(labels[2, as: Int64.self] == 6)
    let error = #expect(throws: ConvoyError.self) { try labels.elements(as: Int32.self) }
    #expect(error?.kind == .type)
    #expect(error?.message == "Expected elements of int32, got a tensor of int64.")
    let floats = Tensor([2], repeating: 1)
    #expect(floats.type == .float32)
    #expect(try floats.elements(as: Float.self) == floats.elements)
    #expect(throws: ConvoyError.self) { try floats.elements(as: Double.self) }
    #expect(throws: ConvoyError.self) { try Tensor([2], elements: [true]) }
  }

  @Test func equalTensorsHaveEqualTypes() throws {
    let (a, b) = (Tensor(zeros: [2], type: .int8), Tensor(zeros: [2], type: .uint8))
    #expect(a != b)
    #expect(a == Tensor(zeros: [2], type: .int8))
    #expect(a.hashValue == Tensor(zeros: [2], type: .int8).hashValue)
    #expect(a != Tensor(zeros: [1, 2], type: .int8))
    #expect(Tensor(zeros: [2], type: .float32) == Tensor([2]))
  }

  @Test(arguments: ElementType.allCases) func everyTypeHoldsSmallNumbers(type: ElementType) throws {
    let numbers = try Tensor([2, 2], [0, 1, 1, 0])
    let tensor = numbers.converted(to: type)
    #expect(tensor.type == type && tensor.shape == [2, 2])
    for other in ElementType.allCases {
      #expect(tensor.converted(to: other) == numbers.converted(to: other))
    }
    let bytes = try tensor.withLittleEndianBytes { Array($0) }
    #expect(bytes.count == 4 * type.size)
    #expect(bytes.withUnsafeBytes { Tensor([2, 2], type: type, littleEndian: $0) } == tensor)
    let row: Tensor = tensor[1]
    #expect(row == tensor[1, ...1] && row.type == type)
  }

  @Test func bytesThatAreNoTruthValuesBecomeSome() throws {
    let tensor = ([0, 1, 2, 255] as [UInt8]).withUnsafeBytes {
      Tensor([4], type: .bool, littleEndian: $0)
    }
    #expect(try tensor.elements(as: Bool.self) == [false, true, true, true])
  }

  @Test func copiesAreIndependent() throws {
    let original = try Tensor([3], elements: [1, 2, 3] as [Int32])
    var copy = original
    copy[0, as: Int32.self] = 9
    copy.withMutableSpan(of: Int32.self) { $0[2] = 7 }
    #expect(try original.elements(as: Int32.self) == [1, 2, 3])
    #expect(try copy.elements(as: Int32.self) == [9, 2, 7])
    var floats = Tensor([2])
    let zeros = floats
    floats[1] = 5
    floats.withUnsafeMutableElements { $0[0] = 4 }
    #expect(zeros.elements == [0, 0] && floats.elements == [4, 5])
  }

  @Test func spansShowTheElements() throws {
    let tensor = random([4, 5], seed: 1)
    let sum = tensor.withSpan { span in span.indices.reduce(0 as Float) { $0 + span[$1] } }
    #expect(sum == tensor.elements.reduce(0, +))
    let flags = try Tensor([3], elements: [true, false, true])
    #expect(try flags.withSpan(of: Bool.self) { [$0[0], $0[1], $0[2]] } == [true, false, true])
    #expect(throws: ConvoyError.self) { try flags.withSpan(of: UInt8.self) { _ in } }
  }

  // MARK: Elements elsewhere

  private struct Counted: ElementSource {
    func read(
      _ part: Range<Int>, into elements: UnsafeMutableBufferPointer<Float>
    ) throws(ConvoyError) {
      for (index, element) in part.enumerated() { elements[index] = Float(element) }
    }
  }

  @Test func elementsAreReadWhenTheyAreNeeded() throws {
    let tensor = Tensor([2, 3], from: Counted())
    #expect(tensor.isElsewhere && tensor.type == .float32)
    let flat = try tensor.reshaped(to: [6])
    #expect(flat.isElsewhere)
    #expect(flat.description == "6 of float32, not in memory")
    #expect(try flat.inMemory().elements == [0, 1, 2, 3, 4, 5])
    #expect(flat.isElsewhere)
    #expect(flat[1...] == (try Tensor([5], [1, 2, 3, 4, 5])))
    #expect(!flat.isElsewhere && !tensor.isElsewhere)
  }

  // MARK: Parts

  @Test func partsAreCutOut() {
    let tensor = random([3, 4, 5], seed: 2)
    let part = tensor[1..<3, 2, 1...3]
    #expect(part.shape == [2, 3])
    for i in 0..<2 { for j in 0..<3 { #expect(part[i, j] == tensor[i + 1, 2, j + 1]) } }
    let matrix: Tensor = tensor[1]
    #expect(matrix.shape == [4, 5] && matrix[3, 4] == tensor[1, 3, 4])
    let scalar: Tensor = tensor[0, 0, 0]
    #expect(scalar.shape == [] && scalar.elements == [tensor[0, 0, 0]])
    #expect(tensor[0...] == tensor)
  }

  @Test func transposingTwiceIsNothing() throws {
    let tensor = random([2, 3, 4], seed: 3)
    let turned = try tensor.transposed([2, 0, 1])
    #expect(turned.shape == [4, 2, 3])
    #expect(turned[3, 1, 2] == tensor[1, 2, 3])
    #expect(try turned.transposed([1, 2, 0]) == tensor)
    #expect(try tensor.transposed().transposed() == tensor)
    #expect(throws: ConvoyError.self) { try tensor.transposed([0, 0, 1]) }
    #expect(throws: ConvoyError.self) { try tensor.transposed([0, 1]) }
    #expect(throws: ConvoyError.self) { try tensor.reshaped(to: [5]) }
  }

  // MARK: Description

  @Test func aTensorPrintsAsAGrid() throws {
    #expect(Tensor([], repeating: 2.5).description == "scalar of float32: 2.5")
    let matrix = try Tensor([2, 3], elements: [1, 2, 3, 10, 20, 30] as [Int32])
    #expect(matrix.description == "2×3 of int32\n 1  2  3\n10 20 30")
    #expect(
      try Tensor([1, 3], [1 / 3, -1e-6, 123456]).description
        == "1×3 of float32\n0.33333  -1e-06  123456")
    let blocks = try Tensor([2, 1, 2], elements: [true, false, false, true])
    #expect(
      blocks.description == "2×1×2 of bool\n[0, …]\n true false\n[1, …]\nfalse  true")
    let large = try Tensor([9, 20], (0..<180).map(Float.init)).description
    #expect(
      large.split(separator: "\n").map(String.init) == [
        "9×20 of float32", "  0   1   2   …  17  18  19", " 20  21  22   …  37  38  39",
        " 40  41  42   …  57  58  59", "…", "120 121 122   … 137 138 139",
        "140 141 142   … 157 158 159", "160 161 162   … 177 178 179",
      ])
  }
}
