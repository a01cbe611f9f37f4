import ConvoyTensors
import ConvoyTiles
import Testing

@testable import ConvoyKernels

/// The fast forms of 3×3 and 5×5 convolution: its transforms, its results and what it refuses.
@Suite struct WinogradTests {
  static let machines = Machine.available.filter { $0.name != "portable" }

  /// Aᵀ((G·g) ⊙ (Bᵀ·d)) is the correlation of d with g, for every pair of unit vectors.
  @Test(arguments: [3, 5]) func transformConvolves(taps: Int) {
    let transform: WinogradTransform = taps == 3 ? .three : .five
    #expect(transform.outputs + taps - 1 == 6)
    for tap in 0..<taps {
      for input in 0..<6 {
        for output in 0..<transform.outputs {
          var sum = 0.0
          for point in 0..<6 {
            sum +=
              transform.output[point][output] * transform.weight[point][tap]
              * WinogradTransform.input[point][input]
          }
          let want = output + tap == input ? 1.0 : 0
          #expect(abs(sum - want) < 1e-14, "output \(output), weight \(tap), input \(input)")
        }
      }
    }
  }

  /// The generated transforms leave out multiplications by these.
  @Test func coefficientsOfOne() {
    let matrix = WinogradTransform.input
    for (row, column) in [(0, 0), (0, 4), (1, 4), (2, 4), (3, 4), (4, 4), (5, 1), (5, 5)] {
      #expect(Float(matrix[row][column]) == 1)
    }
    for column in 0..<5 { #expect(matrix[5][column + 1] == matrix[0][column]) }
    for pair in [1, 3] {
      for column in 0..<6 {
        let sign: Double = column % 2 == 0 ? 1 : -1
        #expect(Float(matrix[pair][column]) == Float(sign * matrix[pair + 1][column]))
      }
    }
  }

  /// Any sizes, maps, batches, groups and tails, cut in any way, against sums in Double.
  @Test(arguments: machines) func convolutions(_ machine: Machine) throws {
    var random = Random(seed: 41)
    for _ in 0..<200 {
      let groups = [1, 1, 1, 2][random.below(4)]
      let outputs = groups == 1 ? 1 + random.below(40) : 32 * (1 + random.below(2))
      let test = WinogradCase(
        [.forward, .transposed][random.below(2)], kernel: [3, 5][random.below(2)],
        inputs: groups * (1 + random.below(12)), outputs: outputs, groups: groups,
        height: 1 + random.below(15), width: 1 + random.below(15), &random)
      let tiles = WinogradGrid(test.problem, size: test.transform.outputs).count
      let planes = test.problem.output.planes.count / groups
      let cut = WinogradCut(
        tiles: tiles, planes: planes, blocks: 1 + random.below(tiles),
        parts: 1 + random.below(planes))
      let function = GeneratedConvolutionTests.functions[random.below(7)]
      try test.expectRight(on: machine, function, cut)
    }
  }

  /// The rounding error of 256 channels of normal numbers, which the documentation states.
  @Test(arguments: machines, [3, 5]) func error(_ machine: Machine, kernel: Int) throws {
    var random = Random(seed: 42)
    let test = WinogradCase(
      kernel: kernel, inputs: 256, outputs: 16, groups: 1, height: 12, width: 12,
      padding: kernel / 2, draw: { $0.normal() }, &random)
    let output = try test.run(on: machine, nil, nil)
    var (worst, squares, count) = (0.0, 0.0, 0.0)
    test.forEachOutput { index, want in
      worst = max(worst, abs(Double(output[index]) - want))
      squares += want * want
      count += 1
    }
    let relative = worst / (squares / count).squareRoot()
    #expect(relative < 1.6e-5)
    #expect(relative > 1e-7, "Nothing was measured.")
  }

  @Test(arguments: machines) func refusals(_ machine: Machine) {
    func problem(
      _ inputs: Int, _ outputs: Int, _ size: Int, kernel: Int = 3, stride: Int = 1,
      dilation: Int = 1, groups: Int = 1, batch: Int = 1
    ) -> ConvolutionProblem {
      let span = (kernel - 1) * dilation + 1
      let to = (size + 2 - span) / stride + 1
      let halo = Halo(before: Extents(0, 1, 1), after: Extents(0, 1, 1))
      return ConvolutionProblem(
        .forward, kernel: Extents(1, kernel, kernel), stride: Extents(1, stride, stride),
        dilation: Extents(1, dilation, dilation), padding: Extents(0, 1, 1), groups: groups,
        input: PlaneLayout(
          batch: batch, channels: inputs, extents: Extents(1, size, size), halo: halo),
        output: PlaneLayout(batch: batch, channels: outputs, extents: Extents(1, to, to)))
    }
    func isTaken(
      _ problem: ConvolutionProblem, weightsChange: Bool = false, on other: Machine? = nil
    ) -> Bool {
      let plan = ConvolutionPlan(
        problem, KernelSettings(machine: other ?? machine, weightsChange: weightsChange))
      return plan.decision.candidates[0].verdict == .taken
    }
    let refused = [
      problem(64, 64, 56, kernel: 1), problem(64, 64, 56, stride: 2),
      problem(64, 64, 56, dilation: 2), problem(16, 64, 56), problem(64, 16, 56),
      problem(64, 64, 56, groups: 16), problem(512, 512, 7), problem(1024, 1024, 14),
      problem(64, 64, 56, kernel: 7),
    ]
    for problem in refused {
      #expect(!isTaken(problem), "\(problem)")
    }
    var transposed = problem(64, 64, 56)
    transposed.direction = .transposed
    #expect(isTaken(transposed))
    transposed.stride = Extents(1, 2, 2)
    #expect(!isTaken(transposed))
    // A transform of weights in every run pays with many tiles only.
    let few = problem(256, 256, 14)
    #expect(isTaken(few))
    #expect(!isTaken(few, weightsChange: true))
    #expect(isTaken(problem(64, 64, 56, batch: 16), weightsChange: true))
    #expect(!isTaken(problem(64, 64, 56), on: .portable))

    let accepted = [
      problem(64, 64, 56), problem(128, 128, 28), problem(128, 128, 112), problem(256, 256, 14),
      problem(384, 384, 13, groups: 2), problem(96, 208, 14), problem(64, 192, 56),
      problem(96, 256, 27, kernel: 5), problem(96, 256, 27, kernel: 5, groups: 2),
    ]
    for problem in accepted {
      #expect(isTaken(problem), "\(problem)")
      // Two threads have about the same to do.
      let (cut, _) = WinogradCut.best(problem, machine)
      let chunks = cut.blocks * cut.parts * problem.groups
      #expect(chunks % 2 == 0 || chunks > 12, "\(chunks) chunks of \(problem)")
    }
  }
}

/// A 3×3 or 5×5 convolution with numbers, in a memory where all that must not be read is NaN.
struct WinogradCase {
  let problem: ConvolutionProblem
  private let weights: [Float]
  private var memory: [Float]
  private static let inputStart = 1024
  private let weightStart: Int
  private let biasStart: Int
  private let outputStart: Int

  init(
    _ direction: ConvolutionProblem.Direction = .forward, kernel: Int, inputs: Int, outputs: Int,
    groups: Int, height: Int, width: Int,
    padding: Int? = nil,
    draw: (inout Random) -> Float = { 2 * $0.uniform() - 1 },
    _ random: inout Random
  ) {
    // 0 to 2 rows and columns of zeros are read on each side, as far as there are outputs.
    func pad() -> Int { padding ?? random.below(3) }
    let before = Extents(0, pad(), pad())
    let after = Extents(0, pad(), pad())
    let from = pointwiseMax(
      Extents(1, height, width), Extents(1, kernel, kernel) - before - after)
    let to = from + before + after - Extents(0, kernel - 1, kernel - 1)
    var halo = Halo(before: before, after: after)
    if random.below(3) == 0 {
      halo = halo.union(Halo(before: Extents(0, 1, 2), after: Extents(0, 3, 1)))
    }
    let outer =
      random.below(2) == 0 ? Halo.none : Halo(before: Extents(0, 1, 1), after: Extents(0, 2, 1))
    let batch = 1 + random.below(3)
    var input = PlaneLayout(
      batch: batch, channels: inputs + random.below(40), extents: from, halo: halo)
    // Channels stand anywhere: lanes that hold none are NaN.
    var places = PlaneLayout(batch: 1, channels: input.planes.count * 16, extents: .one).map
    if random.below(3) > 0 { places.shuffle(using: &random) }
    input.map = Array(places.prefix(inputs))
    if random.below(2) == 0 { input.planes.shuffle(using: &random) }
    let output = PlaneLayout(batch: batch, channels: outputs, extents: to, halo: outer)
    problem = ConvolutionProblem(
      direction, kernel: Extents(1, kernel, kernel), stride: .one, dilation: .one,
      padding: direction == .forward ? before : Extents(0, kernel - 1, kernel - 1) - before,
      groups: groups, input: input, output: output)

    weights = (0..<outputs * inputs / groups * kernel * kernel).map { _ in draw(&random) }
    weightStart = WinogradCase.inputStart + input.elementCount + WinogradCase.inputStart
    biasStart = weightStart + WinogradWeights.elementCount(problem)
    outputStart = biasStart + output.planes.count * 16
    memory = Array(repeating: .nan, count: outputStart + output.elementCount + weights.count)
    for position in input.map {
      let plane = WinogradCase.inputStart + input.planes[position.plane]
      for pixel in stride(from: plane, to: plane + input.planeSize, by: 16) {
        memory[pixel + position.lane] = 0
      }
      for pixel in WinogradCase.pixels(input) {
        memory[plane + pixel + position.lane] = draw(&random)
      }
    }
    for index in biasStart..<outputStart { memory[index] = draw(&random) }
    memory.replaceSubrange(outputStart + output.elementCount..<memory.count, with: weights)
  }

  var transform: WinogradTransform { problem.kernel[2] == 3 ? .three : .five }

  /// The outputs' memory after a run of all chunks, the last first.
  func run(on machine: Machine, _ epilogue: ScalarFunction?, _ cut: WinogradCut?) throws -> [Float]
  {
    let operands = ConvolutionOperands(
      input: PlanePlaces(problem.input, at: Region(.arena, offset: Self.inputStart)),
      weights: Region(.arena, offset: weightStart), bias: Region(.arena, offset: biasStart),
      output: PlanePlaces(problem.output, at: Region(.arena, offset: outputStart)))
    var problem = problem
    problem.epilogue = epilogue
    let cut = cut ?? WinogradCut.best(problem, machine).cut
    let kernel = try WinogradConvolution(problem, machine, cut).kernel(at: operands)
    let outputEnd = outputStart + problem.output.elementCount
    let transform = WinogradWeights(
      problem, from: Region(.arena, offset: outputEnd), to: operands.weights)
    let block = UnsafeMutableRawPointer.allocate(byteCount: memory.count * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: memory.count)
    defer { block.deallocate() }
    block.update(from: memory, count: memory.count)
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: kernel.scratchCount * 4, alignment: 64
    ).bindMemory(to: Float.self, capacity: kernel.scratchCount)
    defer { scratch.deallocate() }
    for step in [transform, kernel] as [any Kernel] {
      for chunk in (0..<step.chunkCount).reversed() {
        scratch.update(repeating: .nan, count: kernel.scratchCount)
        step.run(
          chunk: chunk, in: Memory(arena: block, state: block, constants: block),
          scratch: scratch)
      }
    }
    return (outputStart..<outputEnd).map { block[$0] }
  }

  /// Runs the problem and compares with sums in Double.
  func expectRight(on machine: Machine, _ epilogue: ScalarFunction?, _ cut: WinogradCut) throws {
    let tolerance = tolerance
    let got = try run(on: machine, epilogue, cut)
    var isPixel = Array(repeating: false, count: got.count)
    for plane in problem.output.planes {
      for pixel in Self.pixels(problem.output) {
        for lane in 0..<16 { isPixel[plane + pixel + lane] = true }
      }
    }
    let strays = got.indices.count { !isPixel[$0] && !got[$0].isNaN }
    #expect(strays == 0, "\(cut) writes beside the image")
    var worst = 0.0
    forEachOutput { index, sum in
      let want = LaneFunction(epilogue)(Lanes(repeating: Float(sum)))[0]
      // The steepest epilogue doubles errors; the functions have errors of their own.
      let error = Double(abs(got[index] - want)) / (2 * tolerance)
      worst = max(worst, error.isNaN ? .infinity : error)
    }
    #expect(worst <= 1, "\(problem.input.channels) to \(problem.output.channels), \(cut)")
  }

  /// A bound of the rounding errors, where inputs, weights and bias lie between -1 and 1.
  ///
  /// Each term of a sum is rounded at most inputs + 24 times on its way: once for each input channel,
  /// up to 3 times in each pass of the input transform and 5 in the output's, in coefficients, weights
  /// and bias. Each time it changes by at most half a unit in the last place; the terms' magnitudes add
  /// up to at most those of the matrices for each input channel, and 1 for the bias.
  private var tolerance: Double {
    func magnitude(_ row: [Double]) -> Double { row.reduce(0) { $0 + abs($1) } }
    var largest = 0.0
    let transform = transform
    for output in 0..<transform.outputs {
      var sum = 0.0
      for point in 0..<6 {
        sum +=
          abs(transform.output[point][output])
          * magnitude(transform.weight[point]) * magnitude(WinogradTransform.input[point])
      }
      largest = max(largest, sum)
    }
    let inputs = Double(problem.inputsPerGroup)
    return (inputs + 24) * Double(Float.ulpOfOne) / 2 * (largest * largest * inputs + 1)
  }

  /// Each output: its index and its sum in Double.
  func forEachOutput(_ body: (_ index: Int, _ sum: Double) -> Void) {
    let (input, output) = (problem.input, problem.output)
    let before =
      problem.direction == .forward
      ? problem.padding : problem.kernel - 1 - problem.padding
    let order = WeightOrder(problem)
    let pixels = Self.pixels(output)
    // The tap at the top left reads this far from where an output's image position is in the input.
    let corners = (0..<output.batch).flatMap { image in
      (0..<output.extents[1]).flatMap { row in
        (0..<output.extents[2]).map {
          image * input.imageStride + input.offset(Extents(0, row, $0) - before)
        }
      }
    }
    for channel in 0..<output.channels {
      let group = problem.group(ofOutput: channel)
      let place = output.map[channel]
      let bias = Double(memory[biasStart + place.plane * 16 + place.lane])
      var sums = Array(repeating: bias, count: pixels.count)
      for index in 0..<problem.inputsPerGroup {
        let from = input.map[group * problem.inputsPerGroup + index]
        let start = Self.inputStart + input.planes[from.plane] + from.lane
        let first = order.index(output: channel, inputInGroup: index, tap: 0)
        let width = problem.kernel[2]
        for tap in 0..<problem.kernel.volume {
          // Transposed convolutions meet their taps the other way round.
          let isForward = problem.direction == .forward
          let index = isForward ? tap : problem.kernel.volume - 1 - tap
          let weight = Double(weights[first + index])
          let distance = start + tap / width * input.rowStride + tap % width * PlaneLayout.lanes
          for (number, corner) in corners.enumerated() {
            sums[number] += Double(memory[corner + distance]) * weight
          }
        }
      }
      for (pixel, sum) in zip(pixels, sums) {
        body(output.planes[place.plane] + place.lane + pixel, sum)
      }
    }
  }

  /// Floats from a plane's beginning to each pixel of its images.
  private static func pixels(_ layout: PlaneLayout) -> [Int] {
    (0..<layout.batch).flatMap { image in
      (0..<layout.extents[1]).flatMap { row in
        (0..<layout.extents[2]).map {
          image * layout.imageStride + layout.offset(Extents(0, row, $0))
        }
      }
    }
  }
}
