import ConvoyTensors
import Testing

@testable import ConvoyKernels

/// Generated gradients of pooling against their definition in Double, and against the portable kernel, on
/// every machine that this one can be.
@Suite struct PoolingGradientTests {
  static let functions: [PoolingProblem.Function] = [
    .maximum, .average(countsPadding: true), .average(countsPadding: false),
  ]

  /// Images of few different numbers, so that windows have several largest elements; some are not
  /// numbers.
  private static func number(_ random: inout Random) -> Float {
    let special: [Float] = [.nan, .infinity, -.infinity, -0.0]
    return random.below(60) == 0 ? special[random.below(4)] : Float(random.below(7) - 3)
  }

  /// A problem with its numbers, and where they are.
  private struct Case {
    let problem: PoolingGradientProblem
    var test = PlaneCase()
    let operands: PoolingGradientOperands

    init(_ pooling: PoolingProblem, _ random: inout Random) {
      let result = PlaneCase.layout(
        batch: pooling.image.batch, channels: pooling.image.channels,
        extents: pooling.image.extents, &random)
      problem = PoolingGradientProblem(pooling, to: result)
      operands = PoolingGradientOperands(
        image: test.add(pooling.image) { PoolingGradientTests.number(&random) },
        gradient: test.add(pooling.output) { Float(random.below(8001) - 4000) / 1000 },
        result: test.add(poisoned: result))
    }

    /// The kernel that a machine's catalog takes.
    func kernel(_ machine: Machine) -> any Kernel {
      Catalog.poolingGradient(problem, KernelSettings(machine: machine)).kernel(at: operands)
    }

    /// The gradient by its definition: each window's goes to the first of its largest elements, or is
    /// divided among them.
    func definition() -> [Double] {
      let (pooling, layout) = (problem.pooling, problem.result)
      var sums = [Double](repeating: 0, count: layout.elementCount)
      for (plane, image, z, y, x) in PoolingGradientTests.positions(pooling.output) {
        let spans = [pooling.axes[0][z], pooling.axes[1][y], pooling.axes[2][x]]
        let pixels = PoolingGradientTests.pixels(under: spans, pooling.dilation)
        let divisor = Double(spans.map(\.divisor).reduce(1, *))
        let at =
          pooling.output.planes[plane] + image * pooling.output.imageStride
          + pooling.output.offset(Extents(z, y, x))
        for lane in 0..<16 {
          let share = Double(test.numbers[operands.gradient.base.offset() + at + lane])
          func element(_ pixel: Extents, of layout: PlaneLayout) -> Int {
            layout.planes[plane] + image * layout.imageStride + layout.offset(pixel) + lane
          }
          guard pooling.function == .maximum else {
            for pixel in pixels { sums[element(pixel, of: layout)] += share / divisor }
            continue
          }
          func value(_ pixel: Extents) -> Float {
            test.numbers[operands.image.base.offset() + element(pixel, of: pooling.image)]
          }
          var best = pixels[0]
          for pixel in pixels where value(pixel) > value(best) { best = pixel }
          sums[element(best, of: layout)] += share
        }
      }
      return sums
    }
  }

  /// Plane, image, slice, row and column of every pixel of a layout.
  private static func positions(_ layout: PlaneLayout) -> [(Int, Int, Int, Int, Int)] {
    layout.planes.indices.flatMap { plane in
      (0..<layout.batch * layout.extents.volume).map { pixel in
        let (rest, x) = pixel.quotientAndRemainder(dividingBy: layout.extents[2])
        let (slices, y) = rest.quotientAndRemainder(dividingBy: layout.extents[1])
        return (plane, slices / layout.extents[0], slices % layout.extents[0], y, x)
      }
    }
  }

  /// The image's positions in a window, in row-major order.
  private static func pixels(
    under spans: [PoolingProblem.Span], _ dilation: Extents
  ) -> [Extents] {
    let axes = (0..<3).map { axis in
      (0..<spans[axis].count).map { spans[axis].start + $0 * dilation[axis] }
    }
    return axes[0].flatMap { z in axes[1].flatMap { y in axes[2].map { Extents(z, y, $0) } } }
  }

  @Test(arguments: Machine.available, functions)
  func definition(_ machine: Machine, _ function: PoolingProblem.Function) {
    var random = Random(seed: 53)
    for _ in 0..<200 {
      let made = Case(GeneratedPoolingTests.problem(function, &random), &random)
      let kernel = made.kernel(machine)
      #expect(kernel.name == "\(machine.name) pooling gradient")
      let (got, want) = (made.test.run(kernel), made.definition())
      var worst = 0.0
      var strays = 0
      let layout = made.problem.result
      for index in got.indices {
        let inPlanes = index - made.operands.result.base.offset()
        if inPlanes >= 0, PlaneCase.isInside(inPlanes, layout) {
          // Every window's gradient is at most 4; an element has those of at most 64.
          let error = abs(Double(got[index]) - want[inPlanes])
          worst = max(worst, error.isNaN ? .infinity : error)
        } else if got[index].bitPattern != made.test.numbers[index].bitPattern {
          strays += 1
        }
      }
      #expect(worst <= 64 * 4 * 0x1p-23, "\(made.problem)")
      #expect(strays == 0, "\(made.problem)")
    }
  }

  /// Sums are made in the portable kernel's order.
  @Test(arguments: GeneratedConvolutionTests.machines, functions)
  func sameBits(_ machine: Machine, _ function: PoolingProblem.Function) {
    var random = Random(seed: 54)
    for _ in 0..<100 {
      let made = Case(GeneratedPoolingTests.problem(function, &random), &random)
      made.test.expectSame(
        made.kernel(machine),
        as: made.kernel(.portable),
        made.problem.result, at: made.operands.result, tolerance: 0, "\(made.problem)")
    }
  }

  /// A single window that is the whole image, and windows further apart than registers reach.
  @Test(arguments: GeneratedConvolutionTests.machines, functions)
  func fewWindows(_ machine: Machine, _ function: PoolingProblem.Function) {
    var random = Random(seed: 55)
    for (kernel, stride, size, isGenerated) in [
      (7, 1, 7, true), (13, 1, 13, true), (5, 1 << 30, 9, true), (3, 40, 50, false),
      (2, 7, 50, true),
      (16, 1, 20, true), (17, 1, 20, false), (20, 1, 20, false),
    ] {
      let outputs = (size - kernel) / stride + 1
      let pooling = PoolingProblem(
        function, kernel: Extents(1, kernel, kernel), stride: Extents(1, stride, stride),
        dilation: .one,
        padding: .none, image: PlaneLayout(batch: 2, channels: 20, extents: Extents(1, size, size)),
        output: PlaneLayout(batch: 2, channels: 20, extents: Extents(1, outputs, outputs)))
      let made = Case(pooling, &random)
      let kernel = made.kernel(machine)
      let isExpected = isGenerated || function != .maximum
      #expect(
        (kernel.name == "\(machine.name) pooling gradient") == isExpected, "\(kernel), \(pooling)")
      made.test.expectSame(
        kernel, as: made.kernel(.portable),
        made.problem.result, at: made.operands.result, tolerance: 0, "\(pooling)")
    }
  }

  /// What is kept from row to row of the image does not show: each row is the same made alone.
  @Test func windowsThatHoldAPosition() {
    var random = Random(seed: 56)
    for _ in 0..<200 {
      let problem = GeneratedPoolingTests.problem(.maximum, &random)
      for axis in 0..<3 {
        for position in 0..<problem.image.extents[axis] {
          var found: [[Int]] = []
          problem.forEachWindow(holding: position, axis: axis) { found.append([$0, $1]) }
          let all = (0..<problem.output.extents[axis]).flatMap { window in
            (0..<problem.kernel[axis]).map { [window, $0] }
          }
          let want = all.filter { pair in
            pair[0] * problem.stride[axis] - problem.before[axis]
              + pair[1] * problem.dilation[axis] == position
          }
          #expect(found == want)
        }
      }
    }
  }
}
