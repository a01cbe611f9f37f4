import ConvoyTensors
import Testing

@testable import ConvoyKernels

/// Matrix products of every machine against sums in Double.
@Suite struct MatrixProductTests {
  /// Any sizes, batches that are repeated or not, constant or not.
  @Test(arguments: Machine.available) func products(_ machine: Machine) {
    var random = Random(seed: 61)
    for _ in 0..<300 { MatrixCase.random(&random).expectRight(on: machine) }
  }

  /// Every number of columns that is left over, with rows few and many.
  @Test(arguments: Machine.available) func leftOverColumns(_ machine: Machine) {
    var random = Random(seed: 62)
    for columns in 1...33 {
      for rows in [1, 3, 40] {
        for inner in [1, 2, 7, 16, 37] {
          MatrixCase([rows, inner], [inner, columns], isConstant: rows == 3, &random)
            .expectRight(on: machine)
        }
      }
    }
  }

  /// Many small products share a chunk, large ones are cut into several: whichever, every chunk alone writes
  /// what it always writes.
  @Test(arguments: GeneratedConvolutionTests.machines) func chunks(_ machine: Machine) {
    var random = Random(seed: 63)
    let small = MatrixCase([200, 4, 5], [200, 5, 6], isConstant: false, &random)
    let smallPlan = small.plan(machine)
    #expect(smallPlan.kernel(at: small.operands(smallPlan)).chunkCount < 20)
    let large = MatrixCase([300, 200], [200, 300], isConstant: false, &random)
    let largePlan = large.plan(machine)
    #expect(largePlan.kernel(at: large.operands(largePlan)).chunkCount > 10)
    for test in [small, large] {
      let isSame = test.run(machine) == test.run(machine, reversed: true)
      #expect(isSame)
    }
  }

  /// What is decided can be read off the plan.
  @Test(arguments: GeneratedConvolutionTests.machines) func decisions(_ machine: Machine) {
    func plan(_ rows: Int, _ inner: Int, _ columns: Int, isConstant: Bool = false)
      -> MatrixProductPlan
    {
      MatrixProductPlan(
        MatrixProductProblem(
          [rows, columns], [rows, inner], [inner, columns], isSecondConstant: isConstant),
        KernelSettings(machine: machine))
    }
    // What is in the cache anyway is not packed, unless that is done before.
    #expect(plan(300, 64, 64).packedCount == 0 && plan(300, 64, 64).readsSecond)
    #expect(plan(2, 64, 64, isConstant: true).packedCount == 64 * 64)
    #expect(plan(2, 2048, 2048).readsSecond)
    #expect(!plan(300, 4096, 4096).readsSecond)
    #expect(plan(300, 4096, 4096).description.contains("panels of 16"))
    // But for the columns that are left over.
    #expect(plan(2, 64, 65).packedCount > 0 && plan(2, 64, 65).readsSecond)
    #expect(plan(3, 8, 5) == plan(3, 8, 5))
    #expect(plan(3, 8, 5) != plan(3, 8, 6))
    let refused = plan(2, 1 << 23, 1).decision
    #expect(refused.kernel == "portable matrix product")
    #expect(refused.description.contains("longer than generated code can say"))
  }
}

/// A matrix product's problem with numbers to run it on.
struct MatrixCase: CustomStringConvertible {
  let shapes: (first: Shape, second: Shape, output: Shape)
  let problem: MatrixProductProblem
  let first: [Float]
  let second: [Float]

  var description: String { "\(shapes.first) times \(shapes.second)" }

  static func random(_ random: inout Random) -> MatrixCase {
    let sizes = [1, 2, 3, 7, 16, 17, 31, 33, 48, 70, 130]
    func size() -> Int { sizes[random.below(sizes.count)] }
    let (rows, inner, columns) = (size(), size(), size())
    let leading = (0..<random.below(3)).map { _ in 1 + random.below(3) }
    func repeated() -> [Int] {
      leading.suffix(random.below(leading.count + 1)).map { random.below(3) == 0 ? 1 : $0 }
    }
    return MatrixCase(
      Shape(repeated() + [rows, inner]), Shape(repeated() + [inner, columns]),
      isConstant: random.below(2) == 0, &random)
  }

  init(_ first: Shape, _ second: Shape, isConstant: Bool, _ random: inout Random) {
    let rank = max(first.rank, second.rank)
    func leading(_ shape: Shape) -> [Int] {
      Array(repeating: 1, count: rank - shape.rank) + shape.dimensions.dropLast(2)
    }
    let output = Shape(
      zip(leading(first), leading(second)).map { max($0, $1) }
        + [first[first.rank - 2], second[second.rank - 1]])
    shapes = (first, second, output)
    problem = MatrixProductProblem(output, first, second, isSecondConstant: isConstant)
    self.first = Tensor(normal: first, using: &random).elements
    self.second = Tensor(normal: second, using: &random).elements
  }

  func plan(_ machine: Machine) -> MatrixProductPlan {
    MatrixProductPlan(problem, KernelSettings(machine: machine))
  }

  /// Operands one after the other: the first matrices, the second, what is packed, the output.
  func operands(_ plan: MatrixProductPlan) -> MatrixProductOperands {
    func aligned(_ count: Int) -> Int { (count + 15) / 16 * 16 }
    let second = aligned(first.count)
    let packed = second + aligned(self.second.count)
    return MatrixProductOperands(
      first: Region(.arena, offset: 0), second: Region(.arena, offset: second),
      packed: Region(.arena, offset: packed),
      output: Region(.arena, offset: packed + aligned(plan.packedCount)))
  }

  /// The output, and poison behind it that no one may have touched.
  func run(_ machine: Machine, reversed: Bool = false) -> [UInt32] {
    let plan = plan(machine)
    let operands = operands(plan)
    let count = shapes.output.elementCount + 16
    let total = operands.output.offset() + count
    let block = UnsafeMutableRawPointer.allocate(byteCount: 4 * total, alignment: 64)
      .bindMemory(to: Float.self, capacity: total)
    defer { block.deallocate() }
    block.initialize(repeating: .nan, count: total)
    block.update(from: first, count: first.count)
    (block + (first.count + 15) / 16 * 16).update(from: second, count: second.count)
    let memory = Memory(arena: block, state: block, constants: block)
    var kernels = [plan.kernel(at: operands)]
    if plan.packedCount > 0, let from = operands.second, let to = operands.packed {
      kernels.insert(plan.packing(from: from, to: to), at: 0)
    }
    for kernel in kernels {
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: max(64, kernel.scratchCount * 4), alignment: 64)
      defer { scratch.deallocate() }
      let chunks = 0..<kernel.chunkCount
      for chunk in reversed ? Array(chunks.reversed()) : Array(chunks) {
        kernel.run(
          chunk: chunk, in: memory, scratch: scratch.assumingMemoryBound(to: Float.self))
      }
    }
    return (0..<count).map { block[operands.output.offset() + $0].bitPattern }
  }

  func expectRight(on machine: Machine) {
    let got = run(machine).map { Float(bitPattern: $0) }
    let name = plan(machine).decision.kernel
    #expect(name == "\(machine.name) matrix product" || problem.rows == 1, "\(self)")
    let inner = shapes.first[shapes.first.rank - 1]
    let (rows, columns) = (
      shapes.output[shapes.output.rank - 2], shapes.output[shapes.output.rank - 1]
    )
    var worst = 0.0
    let leading = shapes.output.dimensions.dropLast(2)
    for index in 0..<shapes.output.elementCount {
      /// Where the matrix of an operand begins that meets this element.
      func start(_ shape: Shape) -> Int {
        var (matrix, own, stride) = (index / (rows * columns), 0, 1)
        for (extent, size) in zip(leading.reversed(), shape.dimensions.dropLast(2).reversed()) {
          own += (size == 1 ? 0 : matrix % extent) * stride
          (matrix, stride) = (matrix / extent, stride * size)
        }
        return own * shape[shape.rank - 2] * shape[shape.rank - 1]
      }
      let a = start(shapes.first) + index / columns % rows * inner
      let b = start(shapes.second) + index % columns
      var (sum, magnitude) = (0.0, 1e-30)
      for k in 0..<inner {
        let term = Double(first[a + k]) * Double(second[b + k * columns])
        sum += term
        magnitude += abs(term)
      }
      let error = abs(Double(got[index]) - sum)
      // Each product and each sum so far is rounded by half a unit in the last place; of the sums, random as
      // they are, the root of their number matters.
      let bound = magnitude * Double(Float.ulpOfOne) * (2 + Double(inner).squareRoot())
      worst = max(worst, error.isNaN ? .infinity : error / bound)
    }
    #expect(worst <= 1, "\(machine), \(self)")
    let isKept = got.suffix(16).allSatisfy { $0.isNaN }
    #expect(isKept, "\(machine), \(self)")
  }
}
