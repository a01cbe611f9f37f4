import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// A box of a row-major tensor that is copied: its beginning and its strides.
private struct Box: Sendable {
  var start = 0
  var strides: [Int]

  /// The whole of a tensor.
  init(_ shape: Shape) { strides = shape.strides }

  /// The part of a tensor that a slice selects.
  init(_ slice: AxisSlice, of shape: Shape) {
    self.init(shape)
    start = slice.start * strides[slice.dimension]
    strides[slice.dimension] *= slice.step
  }
}

extension Program {
  /// Adds a copy of a box of an input to a box of the output.
  fileprivate mutating func copy(
    _ site: LoweringSite, _ extents: [Int], from input: BufferID, _ source: Box, to target: Box
  ) {
    let (output, type) = (site.outputs[0], site.outputTypes[0])
    step(site, reads: [input]) {
      StridedCopy(
        extents, of: type, from: $0.region(input).moved(by: source.start, of: type),
        strides: source.strides, to: $0.region(output).moved(by: target.start, of: type),
        strides: target.strides)
    }
  }

  /// Adds a step that sets the whole row-major output to a number, before a part of it is written.
  fileprivate mutating func fill(_ site: LoweringSite, with value: Float) {
    let (output, count) = (site.outputs[0], site.outputShapes[0].elementCount)
    let type = site.outputTypes[0]
    step(site, reads: []) { Fill($0.region(output), count: count, of: type, with: value) }
  }

  /// Adds a step that makes each channel of the output, in planes, a channel of an input or zero.
  fileprivate mutating func gather(_ site: LoweringSite, _ channels: [ChannelGather.Channel?]) {
    let output = site.outputs[0]
    step(site) { placement in
      ChannelGather(
        channels,
        from: site.inputs.map { .init(placement.planes($0), base: placement.base($0)) },
        to: placement.planes(output), base: placement.base(output))
    }
  }

  fileprivate func isInPlanes(_ buffer: BufferID) -> Bool { buffers[buffer.index].planes != nil }
}

extension NodeLayouts {
  /// A view of the inputs' channels, if an input is in planes and the operator only moves channels;
  /// otherwise everything row-major.
  fileprivate static func view(
    if movesChannels: Bool, at site: LayoutSite, _ channels: () -> [ChannelGather.Channel]
  ) -> NodeLayouts {
    var layouts = planes(if: movesChannels, at: site)
    guard layouts.outputs == [.planes] else { return layouts }
    for index in layouts.inputs.indices { layouts.inputs[index].order = .any(preferred: nil) }
    layouts.view = ChannelView(channels: channels())
    return layouts
  }

  /// Everything in planes if an input is and the operator can compute planes; otherwise everything
  /// row-major.
  fileprivate static func planes(if canPlanes: Bool, at site: LayoutSite) -> NodeLayouts {
    guard canPlanes, site.inputKinds.contains(.planes) else { return .allDense(at: site) }
    return NodeLayouts(
      inputs: site.inputShapes.map { _ in .planes }, outputs: site.outputShapes.map { _ in .planes }
    )
  }
}

extension Concatenation: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    .view(if: dimension == 1, at: site) {
      site.inputShapes.enumerated().flatMap { source, shape in
        (0..<shape[1]).map { ChannelGather.Channel(source: source, channel: $0) }
      }
    }
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    var target = Box(site.outputShapes[0])
    for (input, shape) in zip(site.inputs, site.inputShapes) {
      program.copy(site, shape.dimensions, from: input, Box(shape), to: target)
      target.start += shape[dimension] * target.strides[dimension]
    }
  }
}

extension AxisSlice: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    .view(if: dimension == 1, at: site) {
      (0..<count).map { .init(source: 0, channel: start + $0 * step) }
    }
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    program.copy(
      site, site.outputShapes[0].dimensions, from: site.inputs[0],
      Box(self, of: site.inputShapes[0]), to: Box(site.outputShapes[0]))
  }
}

extension SliceGradient: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    .planes(if: slice.dimension == 1, at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    if program.isInPlanes(site.outputs[0]) {
      var channels: [ChannelGather.Channel?] = Array(repeating: nil, count: extent)
      for taken in 0..<slice.count {
        channels[slice.start + taken * slice.step] = .init(source: 0, channel: taken)
      }
      program.gather(site, channels)
    } else {
      program.fill(site, with: 0)
      program.copy(
        site, site.inputShapes[0].dimensions, from: site.inputs[0], Box(site.inputShapes[0]),
        to: Box(slice, of: site.outputShapes[0]))
    }
  }
}

extension ChannelShuffle: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    let channels = site.inputShapes[0][1]
    return .view(if: true, at: site) {
      (0..<channels).map { .init(source: 0, channel: source(ofChannel: $0, of: channels)) }
    }
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let shape = site.inputShapes[0]
    // Channels as a table of groups × columns, read column by column.
    let (columns, pixels) = (shape[1] / groups, shape.elementCount / shape[0] / shape[1])
    let image = shape[1] * pixels
    var source = Box(shape)
    source.strides = [image, pixels, columns * pixels, 1]
    var target = Box(shape)
    target.strides = [image, groups * pixels, pixels, 1]
    program.copy(
      site, [shape[0], columns, groups, pixels], from: site.inputs[0], source, to: target)
  }
}

extension Transpose: Lowerable {
  /// An image with the channels last, as other frameworks store it, gets a strided layout in place.
  /// A copy is made for operators that cannot read this layout. Planes are copied to channels-last
  /// directly.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    var layouts = NodeLayouts.allDense(at: site)
    let rank = permutation.count
    // Only 32-bit floats can be in planes, which a copy would use.
    guard site.inputTypes[0] == .float32, (3...5).contains(rank) else { return layouts }
    if permutation == [0, rank - 1] + Array(1..<rank - 1), site.leadingKind == .dense {
      layouts.outputs = [.strided]
    }
    if permutation == [0] + Array(2..<rank) + [1], site.leadingKind == .planes {
      layouts.inputs = [.planes(halo: .none, order: .any(preferred: nil))]
    }
    return layouts
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    if program.isInPlanes(site.inputs[0]) {
      program.step(site) {
        DenseFromPlanes(
          from: $0.planes(site.inputs[0]), base: $0.base(site.inputs[0]),
          to: $0.region(site.outputs[0]), channelsLast: true)
      }
      return
    }
    var source = Box(site.inputShapes[0])
    source.strides = permutation.map { source.strides[$0] }
    program.copy(
      site, site.outputShapes[0].dimensions, from: site.inputs[0], source,
      to: Box(site.outputShapes[0]))
  }
}

extension Pad: Lowerable {
  /// Planes, if only the spatial extents of the images grow.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    let isSpatial =
      before.prefix(2).allSatisfy { $0 == 0 } && after.prefix(2).allSatisfy { $0 == 0 }
    return .planes(if: isSpatial, at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (input, output) = (site.inputs[0], site.outputs[0])
    if program.isInPlanes(output) {
      program.step(site) {
        PlanePad(
          value, before: Extents(spatial: before.dropFirst(2), missing: 0), $0.planes(input),
          base: $0.base(input), to: $0.planes(output), outputBase: $0.base(output))
      }
      return
    }
    var target = Box(site.outputShapes[0])
    target.start = zip(before, target.strides).reduce(0) { $0 + $1.0 * $1.1 }
    program.fill(site, with: value)
    program.copy(
      site, site.inputShapes[0].dimensions, from: input, Box(site.inputShapes[0]), to: target)
  }
}
