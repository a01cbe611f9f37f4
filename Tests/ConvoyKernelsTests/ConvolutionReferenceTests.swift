import ConvoyTensors
import Testing

@testable import ConvoyKernels

/// Convolutions of every machine, the portable one too, against sums in Double.
@Suite struct ConvolutionReferenceTests {
  /// Images of several rows.
  @Test func images() {
    var random = Random(seed: 101)
    for _ in 0..<150 {
      let (inputs, outputs, groups) = ProblemCase.randomChannels(&random)
      expectRight(.random(inputs, outputs, groups, &random))
    }
  }

  /// A single row of many pixels, as networks of signals have; also of kernels with more taps than
  /// generated code has.
  @Test func rows() {
    var random = Random(seed: 102)
    for _ in 0..<300 {
      let (inputs, outputs, groups) = ProblemCase.randomChannels(&random)
      expectRight(.random(inputs, outputs, groups, isRow: true, &random))
    }
  }

  /// Every width about those at which a row is cut.
  @Test(arguments: [(20, 20, 20), (2, 18, 2), (12, 12, 4), (3, 5, 1)])
  func widths(inputs: Int, outputs: Int, groups: Int) {
    var random = Random(seed: 103)
    for width in 1...130 {
      for kernel in [1, 3] {
        let padding = Extents(0, 0, kernel / 2)
        let problem = ConvolutionProblem(
          .forward, kernel: Extents(1, 1, kernel), stride: .one,
          dilation: .one, padding: padding, groups: groups,
          input: PlaneLayout(
            batch: 1, channels: inputs, extents: Extents(1, 1, width),
            halo: Halo(before: padding, after: padding)),
          output: PlaneLayout(batch: 1, channels: outputs, extents: Extents(1, 1, width)))
        expectRight(ProblemCase(problem, &random))
      }
    }
  }

  private func expectRight(_ test: ProblemCase) {
    let reference = test.reference()
    for machine in Machine.available {
      let got = test.run(test.kernel(machine, nil))
      var worst = 0.0
      for (index, want) in reference {
        let error = abs(Double(got[index]) - want)
        worst = max(worst, error.isNaN ? .infinity : error)
      }
      #expect(worst <= Double(test.tolerance), "\(machine), \(test)")
      let strays = got.indices.count { test.isOutside($0) && !got[$0].isNaN }
      #expect(strays == 0, "\(machine), \(test)")
    }
  }
}

extension ProblemCase {
  /// Channels and groups for dense kernels and for those that work lane by lane.
  static func randomChannels(_ random: inout Random) -> (inputs: Int, outputs: Int, groups: Int) {
    if random.below(3) == 0 { return (1 + random.below(20), 1 + random.below(50), 1) }
    let width = [1, 1, 1, 2, 2, 4, 8, 3, 5, 12][random.below(10)]
    let outputs = random.below(3) > 0 ? width : 1 + random.below(15)
    let groups = 2 + random.below(40 / width)
    return (groups * width, groups * outputs, groups)
  }

  /// The outputs in Double: for each number of each channel, its index among the outputs.
  func reference() -> [(index: Int, value: Double)] {
    let (input, output) = (problem.input, problem.output)
    var result: [(index: Int, value: Double)] = []
    for image in 0..<output.batch {
      for z in 0..<output.extents[0] {
        for y in 0..<output.extents[1] {
          for x in 0..<output.extents[2] {
            let pixel = image * output.imageStride + output.offset(Extents(z, y, x))
            let reads = self.reads(of: Extents(z, y, x)).map {
              ($0.tap, image * input.imageStride + input.offset($0.position))
            }
            for (channel, place) in output.map.enumerated() {
              let index = output.planes[place.plane] + place.lane + pixel
              result.append((index, sum(channel, reads, bias: place, index)))
            }
          }
        }
      }
    }
    return result
  }

  /// The taps of an output that read a pixel of the image, and the pixels.
  private func reads(of output: Extents) -> [(tap: Int, position: Extents)] {
    let kernel = problem.kernel
    return (0..<kernel.volume).compactMap { tap in
      let inKernel = Extents(
        tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1], tap % kernel[2])
      let distance = inKernel * problem.dilation - problem.padding
      var position = output * problem.stride + distance
      if problem.direction == .transposed {
        let product = output - distance
        position = product / problem.stride
        guard product.min() >= 0, position * problem.stride == product else { return nil }
      }
      guard position.min() >= 0, (problem.input.extents - position).min() > 0 else { return nil }
      return (tap, position)
    }
  }

  /// One output: bias, products and residual.
  private func sum(
    _ channel: Int, _ reads: [(tap: Int, offset: Int)], bias place: PlaneLayout.Position,
    _ index: Int
  ) -> Double {
    let (input, taps) = (problem.input, problem.kernel.volume)
    let (group, inGroup) = channel.quotientAndRemainder(dividingBy: problem.outputsPerGroup)
    var sum = Double(numbers[biasStart + place.plane * PlaneLayout.lanes + place.lane])
    for number in 0..<problem.inputsPerGroup {
      let source = group * problem.inputsPerGroup + number
      let start = input.planes[input.map[source].plane] + input.map[source].lane
      let row =
        problem.direction == .forward
        ? channel * problem.inputsPerGroup + number
        : source * problem.outputsPerGroup + inGroup
      for (tap, offset) in reads {
        sum += Double(weights[row * taps + tap]) * Double(numbers[start + offset])
      }
    }
    return sum + (residualStart.map { Double(numbers[$0 + index]) } ?? 0)
  }
}
