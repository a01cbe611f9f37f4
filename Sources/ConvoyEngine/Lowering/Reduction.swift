import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Reduction: Lowerable {
  /// The kinds of reductions that have kernels.
  private enum Scope {
    /// All pixels of a channel, in planes.
    case channels
    /// Everything, in planes.
    case everything
    /// All pixels of an image, in planes.
    case images
    /// Any dimensions of a row-major tensor.
    case dense
  }

  private func scope(of shape: Shape, inPlanes isPlanes: Bool) -> Scope {
    let rank = shape.rank
    guard isPlanes else { return .dense }
    if dimensions == Array(2..<rank) { return .images }
    if dimensions.count == rank { return .everything }
    return dimensions == (0..<rank).filter { $0 != 1 } ? .channels : .dense
  }

  func layouts(at site: LayoutSite) -> NodeLayouts {
    guard site.inputTypes[0] == .float32 else { return .allDense(at: site) }
    return switch scope(of: site.inputShapes[0], inPlanes: site.leadingKind == .planes) {
    case .channels, .everything: NodeLayouts(inputs: [.planes], outputs: [.dense])
    case .images: NodeLayouts(inputs: [.planes], outputs: [.planes])
    case .dense: NodeLayouts(inputs: [.dense], outputs: [.dense])
    }
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    guard site.inputTypes[0] == .float32 else { return program.define(self, at: site) }
    let (input, output) = (site.inputs[0], site.outputs[0])
    let shape = site.inputShapes[0]
    let scale =
      function == .mean
      ? Double(site.outputShapes[0].elementCount) / Double(shape.elementCount) : 1
    let kernel = function.kernel
    switch scope(of: shape, inPlanes: program.buffers[input.index].planes != nil) {
    case .images:
      program.step(site) {
        ImageReduction(
          kernel, scale: scale, $0.planes(input), base: $0.base(input), to: $0.planes(output),
          outputBase: $0.base(output))
      }
    case .channels:
      program.reduceChannels(site, kernel, scale: scale, to: output)
    case .everything:
      let totals = program.arena(count: shape[1])
      program.reduceChannels(site, kernel, scale: 1, to: totals)
      program.reduce(
        site, kernel, scale: scale, [shape[1]], over: [0], from: totals, to: output)
    case .dense:
      program.reduce(site, kernel, scale: scale, shape, over: dimensions, from: input, to: output)
    }
  }
}

extension Reduction.Function {
  /// How the kernels combine numbers; they multiply totals by a factor of their own.
  fileprivate var kernel: ReductionFunction {
    switch self {
    case .sum, .mean: .sum
    case .product: .product
    case .maximum: .maximum
    case .minimum: .minimum
    }
  }
}

extension Program {
  /// Adds a reduction to one number for each channel of a node's first input, which is in planes.
  fileprivate mutating func reduceChannels(
    _ site: LoweringSite, _ function: ReductionFunction, scale: Double, to output: BufferID
  ) {
    let input = site.inputs[0]
    let planes = planes(of: input)
    let parts = arena(count: PlanePartReduction.elementCount(planes))
    step(site, writes: [parts]) {
      PlanePartReduction(
        function, $0.planes(input), base: $0.base(input), to: $0.region(parts))
    }
    step(site, reads: [parts], writes: [output]) {
      ChannelTotals(
        function, scale: scale, of: planes, from: $0.region(parts), to: $0.region(output))
    }
  }

  /// Adds a reduction of a row-major tensor; in two steps where several threads share the work for
  /// a result.
  fileprivate mutating func reduce(
    _ site: LoweringSite, _ function: ReductionFunction, scale: Double, _ shape: Shape,
    over dimensions: [Int], from input: BufferID, to output: BufferID
  ) {
    let partCount = DenseReduction.partCount(shape, over: dimensions)
    let resultCount = dimensions.reduce(shape.elementCount) { $0 / shape[$1] }
    let first = partCount == 1 ? output : arena(count: resultCount * partCount)
    step(site, reads: [input], writes: [first]) {
      DenseReduction(
        function, shape, over: dimensions, scale: partCount == 1 ? scale : 1,
        from: $0.region(input), to: $0.region(first))
    }
    guard partCount > 1 else { return }
    reduce(
      site, function, scale: scale, [resultCount, partCount], over: [1], from: first, to: output)
  }
}
