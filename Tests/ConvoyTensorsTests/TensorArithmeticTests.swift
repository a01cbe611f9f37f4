import ConvoyTensors
import Testing

@Suite struct TensorArithmeticTests {
  private func random(_ shape: Shape, seed: UInt64) -> Tensor {
    var random = Random(seed: seed)
    return Tensor(uniform: shape, in: 0.5...2, using: &random)
  }

  /// As plain floats compute, to the last bit.
  @Test func arithmeticIsThatOfFloats() {
    let (a, b) = (random([7, 11], seed: 1), random([7, 11], seed: 2))
    func expect(_ result: Tensor, _ function: (Float, Float) -> Float) {
      #expect(result.elements == zip(a.elements, b.elements).map(function))
    }
    expect(a + b, +)
    expect(a - b, -)
    expect(a * b, *)
    expect(a / b, /)
    expect(2 * a + b / 4 - 1) { 2 * $0 + $1 / 4 - 1 }
    expect(-a) { x, _ in -x }
    expect(1 / a) { x, _ in 1 / x }
  }

  @Test func shapesBroadcast() throws {
    let (column, row) = (random([3, 1], seed: 3), random([4], seed: 4))
    let sum = column + row
    #expect(sum.shape == [3, 4])
    for i in 0..<3 { for j in 0..<4 { #expect(sum[i, j] == column[i, 0] + row[j]) } }
  }

  @Test func integersKeepTheirLowBits() throws {
    let a = try Tensor([3], elements: [100, -100, 7] as [Int8])
    #expect(try (a + a).elements(as: Int8.self) == [-56, 56, 14])
    #expect(try (a / 2).elements(as: Int8.self) == [50, -50, 3])
    #expect(try (-a).elements(as: Int8.self) == [-100, 100, -7])
    let smallest = try Tensor([1], elements: [Int64.min])
    #expect(try (smallest / -1).elements(as: Int64.self) == [.min])
    let large = try Tensor([2], elements: [UInt64.max, 1])
    #expect(try (large / 2).elements(as: UInt64.self) == [UInt64.max / 2, 0])
    #expect(try (large .> 1).elements(as: Bool.self) == [true, false])
  }

  @Test func halvesAreRounded() throws {
    let a = try Tensor([1], elements: [Half(converting: 2048.0)])
    #expect(try (a + 1).elements(as: Half.self).map(Float.init) == [2048])
    #expect(try (a + 2).elements(as: Half.self).map(Float.init) == [2050])
  }

  @Test func comparisonsGiveTruthValues() throws {
    let (a, b) = (random([50], seed: 5), random([50], seed: 6))
    func expect(_ result: Tensor, _ function: (Float, Float) -> Bool) throws {
      #expect(result.type == .bool)
      #expect(try result.elements(as: Bool.self) == zip(a.elements, b.elements).map(function))
    }
    try expect(a .< b, <)
    try expect(a .<= b, <=)
    try expect(a .> b, >)
    try expect(a .>= b, >=)
    try expect(a .== a) { _, _ in true }
    try expect(a .!= b, !=)
    #expect((a .< b).sum() + (a .>= b).sum() == 50)
  }

  @Test func sumsAddUp() throws {
    let tensor = random([3, 4, 5], seed: 7)
    for dimension in 0..<3 {
      let sums = tensor.sum(along: dimension)
      #expect(sums.shape.rank == 2)
      #expect(abs(sums.sum() - tensor.sum()) < 1e-4)
      let means = tensor.mean(along: dimension) * tensor.shape[dimension]
      #expect((means - sums).maximum() < 1e-5)
    }
    let middle = tensor.sum(along: 1)
    let line = (0..<4).map { Double(tensor[2, $0, 3]) }
    #expect(middle[2, 3] == Float(line.reduce(0, +)))
    #expect(tensor.minimum() == Double(tensor.elements.min() ?? 0))
    #expect(tensor.maximum() == Double(tensor.elements.max() ?? 0))
    #expect(try Tensor([2], [1, .nan]).maximum().isNaN)
    #expect(tensor.mean() == tensor.sum() / 60)
  }
}
