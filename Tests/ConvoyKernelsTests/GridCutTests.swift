import ConvoyTensors
import Testing

@testable import ConvoyKernels

/// The parts of a grid of outputs whose taps touch the image.
@Suite struct GridCutTests {
  /// A convolution whose window reaches far into the padding.
  private static func problem(_ random: inout Random) -> ConvolutionProblem {
    func extents(_ draw: () -> Int) -> Extents { Extents(1, draw(), draw()) }
    let kernel = extents { [1, 3, 3, 5][random.below(4)] }
    let dilation = extents { 1 + random.below(4) }
    let stride = extents { 1 + random.below(2) }
    let padding = pointwiseMin((kernel - 1) * dilation, extents { random.below(12) })
    let span = (kernel - 1) * dilation + 1
    let direction: ConvolutionProblem.Direction = random.below(4) == 0 ? .transposed : .forward
    var (from, to): (Extents, Extents)
    from = extents { 1 + random.below(24) }
    if direction == .forward {
      from = pointwiseMax(from, span - 2 * padding)
      to = (from + 2 * padding - span) / stride + 1
    } else {
      to = pointwiseMax(
        .one, (from - 1) * stride + span - 2 * padding)
    }
    let halo = ConvolutionProblem.halo(
      direction, kernel: kernel, stride: stride, dilation: dilation, padding: padding, input: from,
      output: to)
    let batch = 1 + random.below(3)
    let inputs = 8 + random.below(40)
    let outputs = 1 + random.below(80)
    return ConvolutionProblem(
      direction, kernel: kernel, stride: stride, dilation: dilation, padding: padding, groups: 1,
      input: PlaneLayout(batch: batch, channels: inputs, extents: from, halo: halo),
      output: PlaneLayout(batch: batch, channels: outputs, extents: to))
  }

  /// Parts cover every pixel once, and leave out only what reads padding.
  @Test(arguments: GeneratedConvolutionTests.machines) func partsCover(_ machine: Machine) {
    var random = Random(seed: 36)
    var cuts = 0
    for _ in 0..<300 {
      let problem = Self.problem(&random)
      for phase in problem.phases {
        let parts = GridCut(
          phase, problem, planes: problem.output.planes.count, blocks: problem.inputsPerGroup,
          machine
        ).parts.map(\.part)
        guard let grid = parts.first?.grid else { continue }
        cuts += parts.count > 1 ? 1 : 0
        var seen = Array(repeating: 0, count: grid.rows * grid.columns)
        for part in parts {
          for row in 0..<part.rowCount {
            for column in part.columns {
              let gridRow = part.row(row)
              seen[gridRow * grid.columns + column] += 1
              let output =
                grid.isJoined
                ? Extents.zero : Extents(0, gridRow % grid.rowsPerSlice, column)
              if grid.isJoined, phase.count.volume > 1 { continue }
              for (index, tap) in phase.taps.enumerated() where !part.taps.contains(index) {
                let input = output * phase.inputStep + tap.offset
                let isInside = input.min() >= 0 && (problem.input.extents - input).min() > 0
                #expect(!isInside, "\(problem), output \(output), tap \(tap)")
              }
            }
          }
        }
        #expect(seen.allSatisfy { $0 == 1 }, "\(problem)")
      }
    }
    #expect(cuts > 50)
  }

  /// The sums of parts are those of the whole.
  @Test(arguments: GeneratedConvolutionTests.machines) func sumsOfParts(_ machine: Machine) {
    var random = Random(seed: 37)
    for _ in 0..<100 {
      let test = ProblemCase(Self.problem(&random), &random)
      let kernels = [machine, .portable].map { test.kernel($0, .relu) }
      #expect(kernels[0].name == "\(machine.name) dense")
      let (got, want) = (test.run(kernels[0]), test.run(kernels[1]))
      let worst = zip(got, want).reduce(Float(0)) { worst, pair in
        if pair.1.isNaN { return worst }
        let error = abs(pair.0 - pair.1)
        return max(worst, error.isNaN ? .infinity : error)
      }
      #expect(worst <= test.tolerance * 2, "\(test)")
    }
  }
}
