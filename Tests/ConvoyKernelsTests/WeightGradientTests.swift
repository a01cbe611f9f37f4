import ConvoyTensors
import Testing

@testable import ConvoyKernels

/// Weight gradients of every machine against sums in Double.
@Suite struct WeightGradientTests {
  /// Dense convolutions and those whose groups fill planes.
  @Test(arguments: Machine.available) func broadcast(_ machine: Machine) {
    var random = Random(seed: 51)
    for _ in 0..<150 {
      let groups = [1, 1, 1, 2, 3][random.below(5)]
      let outputs = groups == 1 ? 1 + random.below(150) : 16 * groups * (1 + random.below(3))
      let inputs = groups * (1 + random.below(40))
      expectRight(.random(inputs, outputs, groups, &random), on: machine)
    }
  }

  /// Depthwise, also with several outputs for each input.
  @Test(arguments: Machine.available) func depthwise(_ machine: Machine) {
    var random = Random(seed: 52)
    for _ in 0..<150 {
      let groups = 2 + random.below(60)
      let multiple = [1, 1, 1, 2, 3][random.below(5)]
      expectRight(.random(groups, groups * multiple, groups, &random), on: machine)
    }
  }

  /// Groups of 1 to 15 channels, as many outputs as inputs or not.
  @Test(arguments: Machine.available) func narrowGroups(_ machine: Machine) {
    var random = Random(seed: 53)
    for _ in 0..<150 {
      let width = [2, 2, 4, 4, 8, 8, 3, 5, 6, 12, 15][random.below(11)]
      let outputs = random.below(3) > 0 ? width : 1 + random.below(15)
      let groups = 2 + random.below(20)
      expectRight(
        .random(groups * width, groups * outputs, groups, &random), on: machine)
    }
  }

  /// Kernels with more taps than registers.
  @Test(arguments: Machine.available) func largeKernels(_ machine: Machine) {
    var random = Random(seed: 54)
    for _ in 0..<30 {
      let width = [1, 2, 4, 3][random.below(4)]
      let groups = 16 / width + random.below(10)
      let size = 6 + random.below(26)
      expectRight(
        .random(groups * width, groups * width, groups, kernel: size, &random), on: machine)
    }
  }

  /// A single row of many pixels, as networks of signals have.
  @Test(arguments: Machine.available) func rows(_ machine: Machine) {
    var random = Random(seed: 55)
    for index in 0..<120 {
      let (inputs, outputs, groups) = ProblemCase.randomChannels(&random)
      let kernel = index % 4 == 0 ? 60 : 7
      expectRight(
        .random(inputs, outputs, groups, kernel: kernel, isRow: true, &random), on: machine)
    }
  }

  private func expectRight(_ test: WeightGradientCase, on machine: Machine) {
    let run = test.run(machine)
    let kind = test.problem.planesOfGroups == nil ? "lane" : "dense"
    #expect(run.names[0].contains(kind), "\(run.names)")
    let isScattered =
      kind == "lane" && LaneSources(test.problem, machine, oneByOne: false) == nil
    #expect(isScattered || run.names[0].hasPrefix(machine.name), "\(run.names)")
    let reference = test.reference()
    var worst: (error: Double, index: Int) = (0, 0)
    for (index, want) in reference.sums.enumerated() {
      let error = abs(Double(run.weights[index]) - want)
      // Each product and each sum so far is rounded by half a unit in the last place; of the sums, random
      // as they are, the root of their number matters.
      let bound = reference.magnitudes[index] * test.rounding + 1e-30
      let relative = error.isNaN ? .infinity : error / bound
      if relative > worst.error { worst = (relative, index) }
    }
    #expect(worst.error <= 1, "\(machine), \(test): \(worst), \(run.names)")
    // Nothing else is written.
    let isKept = run.weights[reference.sums.count...].allSatisfy { $0.isNaN }
    #expect(isKept, "\(machine), \(test)")
  }
}

/// A weight gradient's problem with numbers to run it on.
struct WeightGradientCase: CustomStringConvertible {
  let problem: ConvolutionProblem
  /// The image's planes, and behind them the gradient's.
  let numbers: [Float]
  let gradientStart: Int

  var description: String {
    """
    \(problem.input.channels) to \(problem.output.channels) in \(problem.groups) groups, kernel \
    \(problem.kernel), stride \(problem.stride), dilation \(problem.dilation), padding \
    \(problem.padding), \(problem.input.batch) images of \(problem.input.extents), out \
    \(problem.output.extents)
    """
  }

  var weightCount: Int {
    problem.output.channels * problem.inputsPerGroup * problem.kernel.volume
  }

  /// The error that sums may have for each unit of the sum of their terms' magnitudes.
  var rounding: Double {
    let terms = Double(problem.output.batch * problem.output.extents.volume)
    return Double(Float.ulpOfOne) * (2 + terms.squareRoot())
  }

  /// - Parameters:
  ///   - size: the largest extent of the kernel.
  ///   - isRow: whether there is a single row of pixels, up to 300.
  static func random(
    _ inputs: Int, _ outputs: Int, _ groups: Int, kernel size: Int? = nil, isRow: Bool = false,
    _ random: inout Random
  ) -> WeightGradientCase {
    let isPointwise = size == nil && random.below(3) == 0
    let isFlat = isRow || random.below(4) > 0
    func extents(_ draw: () -> Int) -> Extents {
      if isRow { return Extents(1, 1, draw()) }
      let (first, second, third) = (isFlat ? 1 : min(3, draw()), draw(), draw())
      return Extents(first, second, third)
    }
    let kernel = isPointwise ? Extents(1, 1, 1) : extents { 1 + random.below(size ?? 5) }
    let stride = extents { [1, 1, 1, 2, 3, 4][random.below(6)] }
    let dilation = extents { [1, 1, 1, 2, 3][random.below(5)] }
    let span = (kernel - 1) * dilation + 1
    let before = pointwiseMin(span - 1, extents { random.below(3) })
    let after = pointwiseMin(span - 1, extents { random.below(3) })
    let least = pointwiseMax(.one, span - before - after)
    let draws = isRow ? [24, 60, 150, 300] : [1, 9, 20, 64]
    var image = pointwiseMax(least, extents { 1 + random.below(draws[random.below(4)]) })
    // Images are made lower, then less deep, then narrower until the reference takes not too long.
    let weights = outputs * (inputs / groups) * kernel.volume
    for axis in [1, 0, 2] {
      while image.volume / stride.volume * weights > (isRow ? 400_000 : 40_000),
        image[axis] > least[axis]
      {
        image[axis] = max(least[axis], image[axis] / 2)
      }
    }
    let outputExtents = (image + before + after - span) / stride + 1
    var halo = ConvolutionProblem.halo(
      .forward, kernel: kernel, stride: stride, dilation: dilation, padding: before, input: image,
      output: outputExtents)
    if random.below(3) == 0 {
      halo = halo.union(Halo(before: Extents(0, 1, 2), after: Extents(0, 0, 1)))
    }
    let outer =
      random.below(2) == 0 ? Halo.none : Halo(before: Extents(0, 1, 1), after: Extents(0, 2, 1))
    let batch = isRow ? 1 : 1 + random.below(3)
    var input = PlaneLayout(batch: batch, channels: inputs, extents: image, halo: halo)
    if random.below(3) == 0 {
      input = input.arranged(.random(groups, channels: inputs, &random))
    }
    var output = PlaneLayout(batch: batch, channels: outputs, extents: outputExtents, halo: outer)
    if groups > 1, random.below(3) == 0, outputs / groups < PlaneLayout.lanes {
      output = output.arranged(.random(groups, channels: outputs, &random))
    }
    // Planes may stand in any order.
    if random.below(2) == 0 { input.planes.reverse() }
    if random.below(2) == 0 { output.planes.reverse() }
    return WeightGradientCase(
      ConvolutionProblem(
        .forward, kernel: kernel, stride: stride, dilation: dilation, padding: before,
        groups: groups, input: input, output: output), &random)
  }

  init(_ problem: ConvolutionProblem, _ random: inout Random) {
    self.problem = problem
    gradientStart = problem.input.elementCount
    let values = Tensor(normal: Shape([4093]), using: &random).elements
    /// A layout's numbers: zeros around images, and poison in lanes without a channel.
    func fill(_ layout: PlaneLayout, outside: Float, from first: Int) -> [Float] {
      let channels = layout.channelsByLane
      var planeAt: [Int: Int] = [:]
      for (plane, start) in layout.planes.enumerated() { planeAt[start / layout.planeSize] = plane }
      return (0..<layout.elementCount).map { index in
        guard ProblemCase.isInside(index, layout) else { return outside }
        let plane = planeAt[index / layout.planeSize] ?? 0
        let lane = plane * PlaneLayout.lanes + index % PlaneLayout.lanes
        return channels[lane] == nil ? .nan : values[(first + index) % 4093]
      }
    }
    // Around the gradient there is poison: nothing there belongs to the sums.
    numbers =
      fill(problem.input, outside: 0, from: 0) + fill(problem.output, outside: .nan, from: 1)
  }

  /// The gradient by a machine, with a guard of poison behind it, and the kernels' names.
  func run(_ machine: Machine) -> (weights: [Float], names: [String]) {
    let plan = WeightGradientPlan(problem, KernelSettings(machine: machine))
    let guardCount = 16
    let sumsStart = numbers.count
    let weightsStart = sumsStart + plan.sumCount
    let total = weightsStart + weightCount + guardCount
    let block = UnsafeMutableRawPointer.allocate(byteCount: total * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: total)
    defer { block.deallocate() }
    block.initialize(repeating: .nan, count: total)
    block.update(from: numbers, count: numbers.count)
    let kernels = plan.kernels(
      at: WeightGradientOperands(
        input: PlanePlaces(problem.input, at: Region(.arena, offset: 0)),
        gradient: PlanePlaces(problem.output, at: Region(.arena, offset: gradientStart)),
        sums: Region(.arena, offset: sumsStart), weights: Region(.arena, offset: weightsStart)))
    let memory = Memory(arena: block, state: block, constants: block)
    for kernel in kernels {
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: max(64, kernel.scratchCount * 4), alignment: 64)
      defer { scratch.deallocate() }
      for chunk in (0..<kernel.chunkCount).reversed() {
        kernel.run(
          chunk: chunk, in: memory, scratch: scratch.assumingMemoryBound(to: Float.self))
      }
    }
    let result = Array(
      UnsafeBufferPointer(start: block + weightsStart, count: weightCount + guardCount))
    return (result, kernels.map(\.name))
  }

  /// The gradient in Double, and the sums of the terms' magnitudes.
  func reference() -> (sums: [Double], magnitudes: [Double]) {
    let order = WeightOrder(problem)
    var sums = Array(repeating: 0.0, count: weightCount)
    var magnitudes = sums
    let (input, output) = (problem.input, problem.output)
    for channel in 0..<output.channels {
      let to = output.map[channel]
      let group = problem.group(ofOutput: channel)
      for inGroup in 0..<problem.inputsPerGroup {
        let from = input.map[group * problem.inputsPerGroup + inGroup]
        for tap in problem.phases[0].taps {
          let index = order.index(output: channel, inputInGroup: inGroup, tap: tap.index)
          for image in 0..<output.batch {
            for z in 0..<output.extents[0] {
              for y in 0..<output.extents[1] {
                let read = Extents(z, y, 0) * problem.stride
                let x =
                  input.planes[from.plane] + from.lane + image * input.imageStride
                  + input.offset(read + tap.offset)
                let g =
                  gradientStart + output.planes[to.plane] + to.lane + image * output.imageStride
                  + output.offset(Extents(z, y, 0))
                for column in 0..<output.extents[2] {
                  let term =
                    Double(numbers[x + column * problem.stride[2] * input.pixelStride])
                    * Double(numbers[g + column * output.pixelStride])
                  sums[index] += term
                  magnitudes[index] += abs(term)
                }
              }
            }
          }
        }
      }
    }
    return (sums, magnitudes)
  }
}
