import ConvoyTensors
import Testing

@testable import ConvoyKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Kernels touch nothing but what they are given.
///
/// Each plane of the input and the output, the weights, the bias and the scratch memory lies alone between
/// pages that may not be touched, once flush against the one behind it and once against the one before.
/// A touch ends the process, so a process of its own does this.
@Suite struct GuardedMemoryTests {
  #if compiler(>=6.2) && canImport(Glibc)
    @Test func broadcastKernelsStayInside() async throws {
      let result = await #expect(
        processExitsWith: .success, observing: [\.standardErrorContent]
      ) {
        Self.runOnAllMachines(seed: 91, cases: 60) { random in
          let groups = [1, 1, 1, 2, 3][random.below(5)]
          let outputs = groups == 1 ? 1 + random.below(100) : 16 * groups * (1 + random.below(3))
          return (groups * (1 + random.below(20)), outputs, groups)
        }
      }
      let fault = try Fault.sentence(in: #require(result))
      #expect(fault == nil, "\(fault ?? "")")
    }

    @Test func laneKernelsStayInside() async throws {
      let result = await #expect(
        processExitsWith: .success, observing: [\.standardErrorContent]
      ) {
        Self.runOnAllMachines(seed: 92, cases: 120) { random in
          let width = [1, 1, 1, 2, 2, 4, 4, 8, 3, 5, 6, 12, 15][random.below(13)]
          let outputs = random.below(3) > 0 ? width : 1 + random.below(15)
          let groups = 2 + random.below(40 / width)
          return (groups * width, groups * outputs, groups)
        }
      }
      let fault = try Fault.sentence(in: #require(result))
      #expect(fault == nil, "\(fault ?? "")")
    }

    /// A single row of many pixels, which is cut into blocks of columns.
    @Test func rowsStayInside() async throws {
      let result = await #expect(
        processExitsWith: .success, observing: [\.standardErrorContent]
      ) {
        Self.runOnAllMachines(seed: 96, cases: 150, isRow: true, ProblemCase.randomChannels)
      }
      let fault = try Fault.sentence(in: #require(result))
      #expect(fault == nil, "\(fault ?? "")")
    }

    @Test func weightGradientsStayInside() async throws {
      let result = await #expect(
        processExitsWith: .success, observing: [\.standardErrorContent]
      ) {
        for machine in Machine.available {
          var random = Random(seed: 93)
          for index in 0..<40 {
            let width = index % 3 == 0 ? 20 : [1, 1, 2, 4, 8, 3, 12][random.below(7)]
            let groups = width == 20 ? 1 : 2 + random.below(40 / width)
            let test = WeightGradientCase.random(
              groups * width, groups * width, groups, isRow: index % 4 == 0, &random)
            let want = test.run(machine).weights.prefix(test.weightCount)
            for side in [GuardedBlock.Side.end, .beginning] {
              Fault.isRunning("\(machine), guarded at the \(side): \(test)")
              let got = GuardedWeightGradient(test, side).run(machine)
              #expect(got == Array(want), "\(machine), \(side): \(test)")
            }
          }
        }
      }
      let fault = try Fault.sentence(in: #require(result))
      #expect(fault == nil, "\(fault ?? "")")
    }

    @Test func matrixProductsStayInside() async throws {
      let result = await #expect(
        processExitsWith: .success, observing: [\.standardErrorContent]
      ) {
        for machine in Machine.available {
          var random = Random(seed: 94)
          for _ in 0..<80 {
            let test = MatrixCase.random(&random)
            let want = test.run(machine).prefix(test.shapes.output.elementCount)
            for side in [GuardedBlock.Side.end, .beginning] {
              Fault.isRunning("\(machine), guarded at the \(side): \(test)")
              let got = GuardedMatrixProduct(test, side).run(machine)
              #expect(got == Array(want), "\(machine), \(side): \(test)")
            }
          }
        }
      }
      let fault = try Fault.sentence(in: #require(result))
      #expect(fault == nil, "\(fault ?? "")")
    }

    /// The guards must be there.
    @Test func touchingWhatLiesBehindEndsTheProcess() async {
      await #expect(processExitsWith: .signal(SIGSEGV)) {
        let block = GuardedBlock(count: 16, side: .end)
        #expect(block.start[15] == 0)
        print(block.start[16])
      }
    }

    @Test func touchingWhatLiesBeforeEndsTheProcess() async {
      await #expect(processExitsWith: .signal(SIGSEGV)) {
        let block = GuardedBlock(count: 16, side: .beginning)
        #expect(block.start[0] == 0)
        print(block.start[-1])
      }
    }
  #endif

  /// Runs random problems on guarded memory, which gives the bits that ordinary memory gives.
  ///
  /// - Parameter channels: draws the input's and the output's channels, and the groups.
  private static func runOnAllMachines(
    seed: UInt64, cases: Int, isRow: Bool = false, _ channels: (inout Random) -> (Int, Int, Int)
  ) {
    for machine in Machine.available {
      var random = Random(seed: seed)
      for _ in 0..<cases {
        let (inputs, outputs, groups) = channels(&random)
        let test = ProblemCase.random(inputs, outputs, groups, isRow: isRow, &random)
        let epilogue = [ScalarFunction?.none, .relu, .tanh][random.below(3)]
        let want = test.run(test.kernel(machine, epilogue))
        for side in [GuardedBlock.Side.end, .beginning] {
          Fault.isRunning("\(machine), guarded at the \(side): \(test)")
          let got = GuardedCase(test, side).run(machine, epilogue)
          // Bits, for there is poison among the numbers.
          let isSame = got.count == want.count && memcmp(got, want, 4 * want.count) == 0
          #expect(isSame, "\(machine), \(side): \(test)")
        }
      }
    }
  }
}

/// Floats between two pages that may not be touched.
final class GuardedBlock {
  /// Which page the floats lie flush against.
  enum Side { case beginning, end }

  let start: UnsafeMutablePointer<Float>
  let count: Int
  private let mapped: UnsafeMutableRawPointer
  private let size: Int

  /// - Parameter count: a multiple of 16, so that both ends are at multiples of 64 bytes.
  init(count: Int, side: Side) {
    precondition(count % 16 == 0)
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let inner = (4 * count + page - 1) / page * page
    size = inner + 2 * page
    mapped = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0)
    precondition(mapped != MAP_FAILED, "the system refused \(size) bytes")
    precondition(inner == 0 || mprotect(mapped + page, inner, PROT_READ | PROT_WRITE) == 0)
    let first = mapped + page + (side == .end ? inner - 4 * count : 0)
    start = first.bindMemory(to: Float.self, capacity: count)
    self.count = count
  }

  convenience init(_ numbers: ArraySlice<Float>, _ side: Side) {
    self.init(count: numbers.count, side: side)
    numbers.withUnsafeBufferPointer { numbers in
      if let address = numbers.baseAddress { start.initialize(from: address, count: count) }
    }
  }

  deinit { munmap(mapped, size) }
}

/// A problem whose planes, weights and bias each lie in a guarded block.
private struct GuardedCase {
  private var problem: ConvolutionProblem
  private let test: ProblemCase
  private let side: GuardedBlock.Side
  private let inputs: [GuardedBlock]
  private let outputs: [GuardedBlock]
  private let bias: GuardedBlock
  private let residuals: [GuardedBlock]
  /// What regions are counted from: a guarded page, for it is not to be touched either.
  private let base = GuardedBlock(count: 0, side: .end)

  init(_ test: ProblemCase, _ side: GuardedBlock.Side) {
    self.test = test
    self.side = side
    problem = test.problem
    func planes(_ layout: PlaneLayout, from start: Int) -> [GuardedBlock] {
      layout.planes.map {
        GuardedBlock(test.numbers[start + $0..<start + $0 + layout.planeSize], side)
      }
    }
    inputs = planes(test.problem.input, from: 0)
    outputs = planes(test.problem.output, from: test.outputStart)
    bias = GuardedBlock(
      test.numbers[test.biasStart..<(test.residualStart ?? test.outputStart)], side)
    residuals = test.residualStart.map { planes(test.problem.output, from: $0) } ?? []
    problem.input.planes = inputs.map { region($0).offset() }
    problem.output.planes = outputs.map { region($0).offset() }
  }

  private func region(_ block: GuardedBlock) -> Region {
    Region(.arena, offset: block.start - base.start)
  }

  /// The outputs, surroundings and all, plane by plane.
  func run(_ machine: Machine, _ epilogue: ScalarFunction?) -> [Float] {
    let planes = Region(.arena, offset: 0)
    let plan = test.plan(machine, epilogue)
    let weights = GuardedBlock(test.packedWeights(plan)[...], side)
    let kernel = plan.kernel(
      at: ConvolutionOperands(
        input: PlanePlaces(problem.input, at: planes), weights: region(weights),
        bias: region(bias), output: PlanePlaces(problem.output, at: planes),
        residual: residuals.isEmpty
          ? nil : PlanePlaces(base: planes, planes: residuals.map { region($0).offset() })))
    let scratch = GuardedBlock(count: (kernel.scratchCount + 15) / 16 * 16, side: side)
    let memory = Memory(arena: base.start, state: base.start, constants: base.start)
    for chunk in (0..<kernel.chunkCount).reversed() {
      kernel.run(chunk: chunk, in: memory, scratch: scratch.start)
    }
    // Nothing else holds the weights.
    return withExtendedLifetime(weights) {
      outputs.flatMap { Array(UnsafeBufferPointer(start: $0.start, count: $0.count)) }
    }
  }
}

/// A weight gradient's problem whose planes, sums and weights each lie in a guarded block.
private struct GuardedWeightGradient {
  private var problem: ConvolutionProblem
  private let test: WeightGradientCase
  private let side: GuardedBlock.Side
  private let planes: [GuardedBlock]
  private let base = GuardedBlock(count: 0, side: .end)

  init(_ test: WeightGradientCase, _ side: GuardedBlock.Side) {
    self.test = test
    self.side = side
    problem = test.problem
    func blocks(_ layout: PlaneLayout, from start: Int) -> [GuardedBlock] {
      layout.planes.map {
        GuardedBlock(test.numbers[start + $0..<start + $0 + layout.planeSize], side)
      }
    }
    let inputs = blocks(test.problem.input, from: 0)
    let outputs = blocks(test.problem.output, from: test.gradientStart)
    planes = inputs + outputs
    problem.input.planes = inputs.map { [base] in $0.start - base.start }
    problem.output.planes = outputs.map { [base] in $0.start - base.start }
  }

  func run(_ machine: Machine) -> [Float] {
    let plan = WeightGradientPlan(test.problem, KernelSettings(machine: machine))
    let sums = GuardedBlock(count: plan.sumCount, side: side)
    let weights = GuardedBlock(count: (test.weightCount + 15) / 16 * 16, side: side)
    let first = weights.start + (side == .end ? weights.count - test.weightCount : 0)
    let kernels = plan.kernels(
      at: WeightGradientOperands(
        input: PlanePlaces(problem.input, at: Region(.arena, offset: 0)),
        gradient: PlanePlaces(problem.output, at: Region(.arena, offset: 0)),
        sums: Region(.arena, offset: sums.start - base.start),
        weights: Region(.arena, offset: first - base.start)))
    let memory = Memory(arena: base.start, state: base.start, constants: base.start)
    for kernel in kernels {
      let scratch = GuardedBlock(count: (kernel.scratchCount + 15) / 16 * 16, side: side)
      for chunk in 0..<kernel.chunkCount {
        kernel.run(chunk: chunk, in: memory, scratch: scratch.start)
      }
    }
    return withExtendedLifetime(sums) {
      Array(UnsafeBufferPointer(start: first, count: test.weightCount))
    }
  }
}

/// A matrix product whose matrices and what is packed each lie in a guarded block.
private struct GuardedMatrixProduct {
  private let test: MatrixCase
  private let side: GuardedBlock.Side
  private let base = GuardedBlock(count: 0, side: .end)

  init(_ test: MatrixCase, _ side: GuardedBlock.Side) {
    self.test = test
    self.side = side
  }

  /// A block for some numbers, and where the first of them is: flush against the guard, at any address.
  private func block(_ count: Int) -> (block: GuardedBlock, first: UnsafeMutablePointer<Float>) {
    let block = GuardedBlock(count: (count + 15) / 16 * 16, side: side)
    return (block, block.start + (side == .end ? block.count - count : 0))
  }

  private func region(_ first: UnsafeMutablePointer<Float>) -> Region {
    Region(.arena, offset: first - base.start)
  }

  func run(_ machine: Machine) -> [UInt32] {
    let plan = test.plan(machine)
    let (first, second) = (block(test.first.count), block(test.second.count))
    first.first.update(from: test.first, count: test.first.count)
    second.first.update(from: test.second, count: test.second.count)
    let packed = GuardedBlock(count: plan.packedCount, side: side)
    let output = block(test.shapes.output.elementCount)
    var kernels = [
      plan.kernel(
        at: MatrixProductOperands(
          first: region(first.first), second: plan.readsSecond ? region(second.first) : nil,
          packed: region(packed.start), output: region(output.first)))
    ]
    if plan.packedCount > 0 {
      kernels.insert(
        plan.packing(from: region(second.first), to: region(packed.start)), at: 0)
    }
    let memory = Memory(arena: base.start, state: base.start, constants: base.start)
    for kernel in kernels {
      let scratch = GuardedBlock(count: (kernel.scratchCount + 15) / 16 * 16, side: side)
      for chunk in 0..<kernel.chunkCount {
        kernel.run(chunk: chunk, in: memory, scratch: scratch.start)
      }
    }
    return withExtendedLifetime((first, second, packed)) {
      (0..<test.shapes.output.elementCount).map { output.first[$0].bitPattern }
    }
  }
}

/// Says what ran when a process ends for touching memory it may not.
private enum Fault {
  private static let beginning = "Memory was touched that no one gave:"

  /// What runs; read by the handler, which may not take memory.
  nonisolated(unsafe) private static var sentence: UnsafeMutablePointer<CChar>?

  static func isRunning(_ description: String) {
    free(sentence)
    sentence = strdup("\(beginning) \(description)\n")
    for number in [SIGSEGV, SIGBUS] {
      signal(number) { _ in
        if let sentence = Fault.sentence { _ = write(STDERR_FILENO, sentence, strlen(sentence)) }
        // What tells is the sentence: of a process that fails, the test would not get to see it.
        _exit(0)
      }
    }
  }

  #if compiler(>=6.2) && canImport(Glibc)
    /// What the handler said, if it ran.
    static func sentence(in result: ExitTest.Result) -> Substring? {
      String(decoding: result.standardErrorContent, as: UTF8.self).split(separator: "\n")
        .first { $0.hasPrefix(beginning) }
    }
  #endif
}
