import ConvoyAssembler
import Testing

@testable import ConvoyKernels
@testable import ConvoyTensors

/// Generated convolutions against the portable ones, on every machine that this one can be.
@Suite struct GeneratedConvolutionTests {
  static let machines = Machine.available.filter { $0.name != "portable" }

  static let functions: [ScalarFunction?] = [
    nil, nil, .relu, .clip(low: -0.5, high: 0.75), .leakyReLU(slope: 0.1), .leakyReLU(slope: -2),
    .tanh, .silu, .gelu, .hardSwish, .hardSigmoid(slope: 0.2, offset: 0.5), .sigmoid,
    .absoluteValue, .affine(scale: -1.5, offset: 0.5),
  ]

  /// Dense convolutions and those whose groups fill planes.
  @Test(arguments: machines) func broadcast(_ machine: Machine) {
    var random = Random(seed: 31)
    for _ in 0..<400 {
      let groups = [1, 1, 1, 2, 3][random.below(5)]
      let outputs = groups == 1 ? 1 + random.below(150) : 16 * groups * (1 + random.below(3))
      let inputs = groups * (1 + random.below(20))
      let problem = ProblemCase.random(inputs, outputs, groups, &random)
      expectSame(problem, on: machine, &random)
    }
  }

  /// Pixels that the second-level cache cannot hold: chunks in the order of the pixels.
  @Test(arguments: machines) func denseBeyondTheCache(_ found: Machine) throws {
    // The sizes of these caches are unknown.
    let machine = try #require(
      Machine.families.map { $0.machine(CacheSizes()) }.first { $0.name == found.name })
    var random = Random(seed: 39)
    for (kernel, stride) in [(1, 1), (1, 2), (3, 1)] {
      let extents = Extents(1, 40, 40)
      let padding = Extents(0, kernel / 2, kernel / 2)
      let problem = ConvolutionProblem(
        .forward, kernel: Extents(1, kernel, kernel), stride: Extents(1, stride, stride),
        dilation: .one, padding: padding, groups: 1,
        input: PlaneLayout(
          batch: 2, channels: 64, extents: extents, halo: Halo(before: padding, after: padding)),
        output: PlaneLayout(batch: 2, channels: 150, extents: Extents(1, 40 / stride, 40 / stride)))
      expectSame(ProblemCase(problem, &random), on: machine, &random)
    }
  }

  /// Planes of few outputs, whose sums are spread over idle lanes.
  @Test(arguments: machines) func fewOutputs(_ machine: Machine) {
    var random = Random(seed: 38)
    var folded = 0
    for _ in 0..<400 {
      let groups = [1, 1, 2, 3][random.below(4)]
      let width = 16 * random.below(3) + 1 + random.below(8)
      let inputs = groups * (1 + random.below(40))
      var test = ProblemCase.random(inputs, groups * width, groups, &random)
      if groups > 1 {
        test.problem.output = test.problem.output.arranged(
          ChannelOrder(paddingGroups: groups, channels: groups * width))
        test = ProblemCase(test.problem, &random)
      }
      expectSame(test, on: machine, &random)
      let factors = PlaneFolding(test.problem, machine).factors
      folded += factors.contains { $0 > 1 } ? 1 : 0
    }
    #expect(machine.foldsPlanes ? folded > 100 : folded == 0)
  }

  /// Depthwise, also with several outputs for each input.
  @Test(arguments: machines) func depthwise(_ machine: Machine) {
    var random = Random(seed: 32)
    for _ in 0..<400 {
      let groups = 2 + random.below(60)
      let multiple = [1, 1, 1, 2, 3][random.below(5)]
      let problem = ProblemCase.random(groups, groups * multiple, groups, &random)
      expectSame(problem, on: machine, &random)
    }
  }

  /// Groups of 1 to 15 channels, as many outputs as inputs or not.
  @Test(arguments: machines) func narrowGroups(_ machine: Machine) {
    var random = Random(seed: 33)
    for _ in 0..<600 {
      let width = [2, 2, 4, 4, 8, 8, 3, 5, 6, 12, 15][random.below(11)]
      let outputs = random.below(3) > 0 ? width : 1 + random.below(15)
      let groups = 2 + random.below(20)
      let problem = ProblemCase.random(groups * width, groups * outputs, groups, &random)
      expectSame(problem, on: machine, &random)
    }
  }

  /// Kernels with so many taps that each of their lines is a step.
  @Test(arguments: machines) func largeKernels(_ machine: Machine) {
    var random = Random(seed: 34)
    for _ in 0..<60 {
      let width = [1, 2, 4, 3][random.below(4)]
      let groups = 16 / width + random.below(10)
      let problem = ProblemCase.random(
        groups * width, groups * width, groups, kernel: 9 + random.below(5), &random)
      expectSame(problem, on: machine, &random)
    }
  }

  /// Runs a problem by the best kernel for a machine and by the portable one, over poisoned outputs.
  private func expectSame(
    _ test: ProblemCase, on machine: Machine, _ random: inout Random
  ) {
    let function = Self.functions[random.below(Self.functions.count)]
    let kernels = [machine, .portable].map { test.kernel($0, function) }
    let kind = test.problem.planesOfGroups == nil ? "lanes" : "dense"
    #expect(kernels[0].name.hasPrefix("\(machine.name) \(kind)"), "\(kernels[0].name)")
    let (got, want) = (test.run(kernels[0]), test.run(kernels[1]))
    // Lanes that hold no channel may get anything.
    let channels = test.problem.output.channelsByLane
    var worst: Float = 0
    var strays = 0
    for index in want.indices {
      if test.isOutside(index) {
        // Poison must have stayed around the image.
        strays += got[index].isNaN ? 0 : 1
      } else if channels[index / test.problem.output.planeSize * 16 + index % 16] != nil {
        let error = abs(got[index] - want[index])
        worst = max(worst, error.isNaN ? .infinity : error)
      }
    }
    // Both add in the same order; a fused product is rounded once instead of twice. No function is
    // steeper than 2.
    #expect(worst <= test.tolerance * 2, "\(test), \(String(describing: function))")
    #expect(strays == 0, "\(test)")
  }
}

/// A convolution problem with numbers to run it on.
struct ProblemCase: CustomStringConvertible {
  var problem: ConvolutionProblem
  var numbers: [Float]
  /// The weights' tensor; each kernel has it packed in its own way.
  var weights: [Float]
  var biasStart: Int
  /// Where what is added to the output is, if anything.
  var residualStart: Int?
  var outputStart: Int

  var description: String {
    """
    \(problem.direction) \(problem.input.channels) to \(problem.output.channels) in \
    \(problem.groups) groups, kernel \(problem.kernel), stride \(problem.stride), dilation \
    \(problem.dilation), padding \(problem.padding), \(problem.input.batch) images of \
    \(problem.input.extents), out \(problem.output.extents)
    """
  }

  /// Sums of n products of normal numbers, each off by half a unit in the last place of a sum so far.
  var tolerance: Float {
    let count = Float(problem.inputsPerGroup * problem.kernel.volume)
    return 4 * count.squareRoot() * Float.ulpOfOne * (2 + count.squareRoot())
  }

  /// - Parameters:
  ///   - size: the kernel's extent in each dimension; drawn if nil.
  ///   - isRow: whether there is a single row of pixels, up to 300, and kernels have up to 90 taps.
  static func random(
    _ inputs: Int, _ outputs: Int, _ groups: Int, kernel size: Int? = nil, isRow: Bool = false,
    _ random: inout Random
  ) -> ProblemCase {
    let isPointwise = size == nil && random.below(3) == 0
    let isFlat = isRow || random.below(4) > 0
    func extents(_ draw: () -> Int) -> Extents {
      if isRow { return Extents(1, 1, draw()) }
      let (first, second, third) = (isFlat ? 1 : min(3, draw()), draw(), draw())
      return Extents(first, second, third)
    }
    let size = isRow && size == nil && random.below(4) == 0 ? 60 + random.below(31) : size
    let longest = isRow ? [24, 60, 300][random.below(3)] : 17
    let kernel = isPointwise ? Extents(1, 1, 1) : extents { size ?? 1 + random.below(5) }
    let stride = extents { [1, 1, 1, 2, 3, 4][random.below(6)] }
    let dilation = extents { [1, 1, 1, 2][random.below(4)] }
    let span = (kernel - 1) * dilation + 1
    let direction: ConvolutionProblem.Direction = random.below(3) == 0 ? .transposed : .forward
    let padding = extents { 0 } + pointwiseMin((span - 1) / 2, extents { random.below(3) })
    let small = pointwiseMax(
      span - padding, extents { random.below(5) == 0 ? 1 : 1 + random.below(longest) })
    let large = (small - 1) * stride + span - padding - pointwiseMin(padding, span / 2)
    let (from, to): (Extents, Extents)
    if direction == .forward {
      from = small
      to = pointwiseMax(
        .one, (small + 2 * padding - span) / stride + 1)
    } else {
      from = (small + 1) / 2
      to = pointwiseMax(
        .one, pointwiseMin(large, (from - 1) * stride + span - 2 * padding))
    }
    var halo = ConvolutionProblem.halo(
      direction, kernel: kernel, stride: stride, dilation: dilation, padding: padding, input: from,
      output: to)
    if random.below(3) == 0 {
      halo = halo.union(Halo(before: Extents(0, 1, 2), after: Extents(0, 0, 1)))
    }
    let outer =
      random.below(2) == 0 ? Halo.none : Halo(before: Extents(0, 1, 1), after: Extents(0, 2, 1))
    let batch = isRow ? 1 : 1 + random.below(3)
    var input = PlaneLayout(batch: batch, channels: inputs, extents: from, halo: halo)
    if random.below(3) == 0 {
      input = input.arranged(.random(groups, channels: inputs, &random))
    }
    var output = PlaneLayout(batch: batch, channels: outputs, extents: to, halo: outer)
    if groups > 1, random.below(2) == 0 {
      output = output.arranged(.random(groups, channels: outputs, &random))
    }
    let problem = ConvolutionProblem(
      direction, kernel: kernel, stride: stride, dilation: dilation, padding: padding,
      groups: groups, input: input, output: output)
    return ProblemCase(problem, &random)
  }

  init(_ problem: ConvolutionProblem, _ random: inout Random) {
    self.problem = problem
    let input = problem.input
    biasStart = input.elementCount
    let end = biasStart + problem.output.planes.count * 16
    residualStart = random.below(3) == 0 ? end : nil
    outputStart = end + (residualStart == nil ? 0 : problem.output.elementCount)
    numbers = Array(repeating: 0, count: outputStart + problem.output.elementCount)
    let weightCount = problem.output.channels * problem.inputsPerGroup * problem.kernel.volume
    weights = Tensor(normal: Shape([max(1, weightCount)]), using: &random).elements
    let values = Tensor(normal: Shape([1 << 12]), using: &random).elements
    let channels = input.channelsByLane
    for index in 0..<biasStart where ProblemCase.isInside(index, input) {
      // Lanes without a channel may hold anything.
      let lane = index / input.planeSize * PlaneLayout.lanes + index % PlaneLayout.lanes
      numbers[index] = channels[lane] == nil ? .nan : values[index % 4093]
    }
    for (lane, channel) in problem.output.channelsByLane.enumerated() {
      if let channel { numbers[biasStart + lane] = values[channel] }
    }
    for index in (residualStart ?? end)..<outputStart { numbers[index] = values[index % 4091] }
    for index in outputStart..<numbers.count { numbers[index] = .nan }
  }

  /// A kernel, and the weights as it wants them.
  struct Prepared {
    var kernel: any Kernel
    var weights: [Float]

    var name: String { kernel.name }
  }

  /// How a machine computes the problem.
  func plan(_ machine: Machine, _ epilogue: ScalarFunction?) -> ConvolutionPlan {
    var problem = problem
    problem.epilogue = epilogue
    problem.addsResidual = residualStart != nil
    return ConvolutionPlan(problem, KernelSettings(machine: machine, allowsWinograd: false))
  }

  /// The weights as a plan wants them.
  func packedWeights(_ plan: ConvolutionPlan) -> [Float] {
    let count = plan.weightCount
    let packing = plan.packing(
      from: Region(.arena, offset: count), to: Region(.arena, offset: 0))
    return Array(
      ProblemCase.run(packing, Array(repeating: .nan, count: count) + weights).prefix(count))
  }

  /// The best kernel for a machine. Its weights lie behind the numbers.
  func kernel(_ machine: Machine, _ epilogue: ScalarFunction?) -> Prepared {
    func region(_ offset: Int) -> Region { Region(.arena, offset: offset) }
    let operands = ConvolutionOperands(
      input: PlanePlaces(problem.input, at: region(0)), weights: region(numbers.count),
      bias: region(biasStart), output: PlanePlaces(problem.output, at: region(outputStart)),
      residual: residualStart.map { PlanePlaces(problem.output, at: region($0)) })
    let plan = plan(machine, epilogue)
    return Prepared(kernel: plan.kernel(at: operands), weights: packedWeights(plan))
  }

  /// The outputs, surroundings and all.
  func run(_ prepared: Prepared) -> [Float] {
    Array(
      ProblemCase.run(prepared.kernel, numbers + prepared.weights)[outputStart..<numbers.count])
  }

  private static func run(_ kernel: any Kernel, _ numbers: [Float]) -> [Float] {
    let block = UnsafeMutableRawPointer.allocate(byteCount: numbers.count * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: numbers.count)
    defer { block.deallocate() }
    block.update(from: numbers, count: numbers.count)
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: max(64, kernel.scratchCount * 4), alignment: 64)
    defer { scratch.deallocate() }
    let memory = Memory(arena: block, state: block, constants: block)
    for chunk in (0..<kernel.chunkCount).reversed() {
      kernel.run(
        chunk: chunk, in: memory, scratch: scratch.assumingMemoryBound(to: Float.self))
    }
    return Array(UnsafeBufferPointer(start: block, count: numbers.count))
  }

  /// Whether an element of the outputs belongs to no pixel of the image.
  func isOutside(_ index: Int) -> Bool {
    !ProblemCase.isInside(index, problem.output)
  }

  /// Whether an element of a layout belongs to a pixel of the image.
  static func isInside(_ index: Int, _ layout: PlaneLayout) -> Bool {
    let inImage = index % layout.planeSize % layout.imageStride
    let position = Extents(
      inImage / layout.sliceStride, inImage % layout.sliceStride / layout.rowStride,
      inImage % layout.rowStride / 16)
    let inner = position - layout.halo.before
    return inner.min() >= 0 && (layout.extents - inner).min() > 0
  }
}

extension ChannelOrder {
  /// One of the orders that plans use, or any at all.
  static func random(_ groups: Int, channels: Int, _ random: inout Random) -> ChannelOrder {
    let width = channels / groups
    switch random.below(3) {
    case 0: return ChannelOrder(paddingGroups: groups, channels: channels)
    case 1:
      let blocks = [1, 2, 4].filter { width % $0 == 0 }
      return ChannelOrder(
        interleaving: groups, channels: channels, block: blocks[random.below(blocks.count)])
    default:
      // Scattered, with lanes to spare.
      let identity = ChannelOrder(identity: channels)
      let planeCount = identity.planeCount + random.below(3)
      var places = Array(0..<planeCount * PlaneLayout.lanes)
      for index in places.indices {
        places.swapAt(index, index + random.below(places.count - index))
      }
      return ChannelOrder(
        planeCount: planeCount,
        positions: places.prefix(channels).map {
          PlaneLayout.Position(plane: $0 / PlaneLayout.lanes, lane: $0 % PlaneLayout.lanes)
        })
    }
  }
}
