package import ConvoyTensors

/// What a convolution computes, and in what layouts: everything that decides how it is computed.
/// Plans ignore the offsets of planes.
///
/// One description serves the forward convolution and its adjoint, the transposed convolution. Both
/// are sums over taps; they differ in how positions of input and output are related.
package struct ConvolutionProblem: Hashable, Sendable {
  /// How positions of input and output are related.
  package enum Direction: Hashable, Sendable {
    /// input = output·stride + tap·dilation − padding
    case forward
    /// output = input·stride + tap·dilation − padding
    case transposed
  }

  /// How positions of input and output are related.
  package var direction: Direction
  /// The kernel's extents.
  package var kernel: Extents
  /// The stride of the window.
  package var stride: Extents
  /// The dilation: the distance between neighbouring taps.
  package var dilation: Extents
  /// The padding before the image; the padding after it follows from the output's extents.
  package var padding: Extents
  /// The number of groups that channels are divided into.
  package var groups: Int
  /// The layout of the input.
  package var input: PlaneLayout
  /// The layout of the output.
  package var output: PlaneLayout
  /// The epilogue: the function that is applied to each sum before it is stored.
  package var epilogue: ScalarFunction?
  /// Whether a residual is added to each sum before the epilogue's function: planes of the output's
  /// geometry and order.
  package var addsResidual: Bool

  /// A convolution of the given geometry.
  package init(
    _ direction: Direction, kernel: Extents, stride: Extents, dilation: Extents, padding: Extents,
    groups: Int, input: PlaneLayout, output: PlaneLayout, epilogue: ScalarFunction? = nil,
    addsResidual: Bool = false
  ) {
    self.direction = direction
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
    self.groups = groups
    self.input = input
    self.output = output
    self.epilogue = epilogue
    self.addsResidual = addsResidual
  }

  /// The same problem with its planes at offset 0: plans are made from this form.
  var unplaced: ConvolutionProblem {
    var problem = self
    problem.input.planes = input.planes.map { _ in 0 }
    problem.output.planes = output.planes.map { _ in 0 }
    return problem
  }

  /// Input channels of one group.
  package var inputsPerGroup: Int { input.channels / groups }
  /// Output channels of one group.
  package var outputsPerGroup: Int { output.channels / groups }
  /// The group of an output channel.
  package func group(ofOutput channel: Int) -> Int { channel / outputsPerGroup }

  /// For each output plane, the group whose channels it holds; nil if it holds channels of several
  /// groups.
  var groupOfPlanes: [Int?] {
    var groups: [Int?] = Array(repeating: nil, count: output.planes.count)
    var isMixed = Array(repeating: false, count: output.planes.count)
    for (channel, position) in output.map.enumerated() {
      let group = group(ofOutput: channel)
      if let other = groups[position.plane], other != group { isMixed[position.plane] = true }
      groups[position.plane] = group
    }
    return zip(groups, isMixed).map { $1 ? nil : $0 }
  }

  /// For each group, the range of output planes that hold its channels. Nil if a plane holds
  /// channels of several groups, or if a group's planes are not contiguous.
  var planesOfGroups: [Range<Int>]? {
    let holders = groupOfPlanes
    guard !holders.contains(nil) else { return nil }
    return (0..<groups).reduce(into: Optional([])) { ranges, group in
      let planes = holders.indices.filter { holders[$0] == group }
      guard let first = planes.first, let last = planes.last, last - first + 1 == planes.count
      else { return ranges = nil }
      ranges?.append(first..<last + 1)
    }
  }

  /// The multiply-adds of one run.
  package var multiplyAdds: Int {
    let pixels = direction == .forward ? output : input
    let channels = pixels.channels
    let others = direction == .forward ? inputsPerGroup : outputsPerGroup
    return pixels.batch * pixels.extents.volume * kernel.volume * channels * others
  }

  /// The halo of zeros that the input needs around its image.
  package static func halo(
    _ direction: Direction, kernel: Extents, stride: Extents, dilation: Extents, padding: Extents,
    input: Extents, output: Extents
  ) -> Halo {
    var halo = Halo.none
    for phase in Phase.all(
      direction, kernel: kernel, stride: stride, dilation: dilation, padding: padding,
      output: output)
    {
      for tap in phase.taps {
        let last = (phase.count - 1) * phase.inputStep + tap.offset
        halo = halo.union(
          Halo(
            before: pointwiseMax(.zero, .zero - tap.offset),
            after: pointwiseMax(.zero, last - input + 1)))
      }
    }
    return halo
  }

  /// The phases of this convolution.
  package var phases: [Phase] {
    Phase.all(
      direction, kernel: kernel, stride: stride, dilation: dilation, padding: padding,
      output: output.extents)
  }
}

/// A regular grid of outputs that have the same taps at the same distances.
///
/// A forward convolution is one phase. A transposed one with stride s has s phases in each
/// dimension, one for each remainder of the output's position modulo s; each phase has only the
/// taps that contribute to it.
package struct Phase: Hashable, Sendable {
  /// One element of the kernel.
  package struct Tap: Hashable, Sendable {
    /// Its index in the kernel, in row-major order.
    package var index: Int
    /// The distance from `input position · inputStep` to the pixel that the tap reads.
    package var offset: Extents
  }

  /// The position of the first output.
  package var start: Extents
  /// The distance between neighbouring outputs.
  package var outputStep: Extents
  /// The distance between the inputs of neighbouring outputs.
  package var inputStep: Extents
  /// The number of outputs.
  package var count: Extents
  /// The taps that each output sums over.
  package var taps: [Tap]

  static func all(
    _ direction: ConvolutionProblem.Direction, kernel: Extents, stride: Extents,
    dilation: Extents, padding: Extents, output: Extents
  ) -> [Phase] {
    switch direction {
    case .forward:
      let taps = positions(kernel).enumerated().map {
        Tap(index: $0, offset: $1 * dilation - padding)
      }
      return [
        Phase(
          start: .zero, outputStep: .one, inputStep: stride, count: output,
          taps: taps)
      ]
    case .transposed:
      return positions(pointwiseMin(stride, output)).compactMap { start in
        let count = (output - start + stride - 1) / stride
        guard count.min() > 0 else { return nil }
        let taps = positions(kernel).enumerated().compactMap { index, tap -> Tap? in
          let numerator = start + padding - tap * dilation
          let offset = numerator / stride
          return offset * stride == numerator ? Tap(index: index, offset: offset) : nil
        }
        return Phase(
          start: start, outputStep: stride, inputStep: .one, count: count,
          taps: taps)
      }
    }
  }

  /// All positions of a box, in row-major order.
  private static func positions(_ box: Extents) -> [Extents] {
    var result: [Extents] = []
    for z in 0..<box[0] {
      for y in 0..<box[1] { for x in 0..<box[2] { result.append(Extents(z, y, x)) } }
    }
    return result
  }
}
