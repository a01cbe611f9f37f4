import ConvoyTensors
import Testing

@testable import ConvoyKernels

/// Generated pooling against the portable kernel, on every machine that this one can be.
@Suite struct GeneratedPoolingTests {
  /// Windows, strides, dilations and paddings at random; each window covers an element of the image.
  static func problem(
    _ function: PoolingProblem.Function, _ random: inout Random
  ) -> PoolingProblem {
    while true {
      let isFlat = random.below(4) > 0
      func extents(_ draw: () -> Int, flat: Int = 1) -> Extents {
        let (first, second, third) = (isFlat ? flat : min(2, draw()), draw(), draw())
        return Extents(first, second, third)
      }
      let kernel = extents { 1 + random.below(4) }
      let stride = extents { [1, 1, 2, 2, 3][random.below(5)] }
      let dilation = extents { [1, 1, 1, 2][random.below(4)] }
      let before = extents({ random.below(3) }, flat: 0)
      let after = extents({ random.below(3) }, flat: 0)
      let size = extents { 1 + random.below(random.below(3) == 0 ? 45 : 12) }
      let span = (kernel - 1) * dilation + 1
      let room = size + before + after - span
      guard room.min() >= 0, (span - before).min() > 0, (span - after).min() > 0 else { continue }
      let output = room / stride + 1
      // A dilated window may step over a small image.
      let isCovered = (0..<3).allSatisfy { axis in
        (0..<output[axis]).allSatisfy { position in
          (0..<kernel[axis]).contains { tap in
            let place = position * stride[axis] - before[axis] + tap * dilation[axis]
            return (0..<size[axis]).contains(place)
          }
        }
      }
      guard isCovered else { continue }
      let (batch, channels) = (1 + random.below(2), 1 + random.below(40))
      return PoolingProblem(
        function, kernel: kernel, stride: stride, dilation: dilation,
        padding: Halo(before: before, after: after),
        image: PlaneCase.layout(batch: batch, channels: channels, extents: size, &random),
        output: PlaneCase.layout(batch: batch, channels: channels, extents: output, &random))
    }
  }

  @Test(arguments: GeneratedConvolutionTests.machines, [0, 1, 2])
  func pooling(_ machine: Machine, _ kind: Int) {
    let functions: [PoolingProblem.Function] = [
      .maximum, .average(countsPadding: true), .average(countsPadding: false),
    ]
    var random = Random(seed: 51)
    for _ in 0..<150 {
      let problem = Self.problem(functions[kind], &random)
      var test = PlaneCase()
      let input = test.add(problem.image) {
        // What is not a number is passed over by the largest, as long as there is another.
        kind == 0
          ? GeneratedElementwiseTests.number(&random) : Float(random.below(8001) - 4000) / 1000
      }
      let output = test.add(poisoned: problem.output)
      let operands = PoolingOperands(image: input, output: output)
      let kernels = [machine, .portable].map {
        Catalog.pooling(problem, KernelSettings(machine: $0)).kernel(at: operands)
      }
      #expect(kernels[0].name == "\(machine.name) pooling")
      test.expectSame(
        kernels[0], as: kernels[1], problem.output, at: output, tolerance: 0, "\(problem)")
    }
  }

  /// Windows of more lines than code has registers for fall to the portable kernel.
  @Test(arguments: GeneratedConvolutionTests.machines) func largeWindows(_ machine: Machine) {
    let problem = PoolingProblem(
      .maximum, kernel: Extents(1, 9, 2), stride: .one, dilation: .one, padding: .none,
      image: PlaneLayout(batch: 1, channels: 1, extents: Extents(1, 9, 9)),
      output: PlaneLayout(batch: 1, channels: 1, extents: Extents(1, 1, 8)))
    let decision = Catalog.pooling(problem, KernelSettings(machine: machine)).decision
    #expect(decision.kernel == "portable pooling")
    #expect(decision.description.contains("its windows have 9 lines"), "\(decision)")
  }

  /// Windows that padding cuts stand at the ends; those between are one run.
  @Test func runs() {
    func span(_ start: Int, _ count: Int) -> PoolingProblem.Span {
      PoolingProblem.Span(start: start, count: count, divisor: 3)
    }
    let runs = WindowRun.runs(of: [span(0, 2), span(1, 3), span(3, 3), span(5, 3), span(7, 2)])
    #expect(runs.map(\.positions) == [0..<1, 1..<4, 4..<5])
    #expect(runs.map(\.span.start) == [0, 1, 7])
    #expect(runs[1].step == 2)
  }
}
