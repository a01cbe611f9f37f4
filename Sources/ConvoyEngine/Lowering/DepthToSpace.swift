import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension PixelBlocks {
  /// The order in which the channels of each pixel of a block have planes of their own, as the image
  /// with more pixels has; nil unless they fill them.
  fileprivate func order(ofChannels count: Int) -> ChannelOrder? {
    let lanes = PlaneLayout.lanes
    guard count % lanes == 0 else { return nil }
    var positions = Array(
      repeating: PlaneLayout.Position(plane: 0, lane: 0), count: count * area)
    for pixel in 0..<area {
      for channel in 0..<count {
        positions[self.channel(channel, pixel: pixel, of: count)] = PlaneLayout.Position(
          plane: (pixel * count + channel) / lanes, lane: channel % lanes)
      }
    }
    return ChannelOrder(planeCount: count * area / lanes, positions: positions)
  }

  /// Adds a copy between row-major images.
  ///
  /// - Parameters:
  ///   - deep: the shape of the image with more channels.
  ///   - toSpace: whether the image with more pixels is written.
  fileprivate func copy(
    _ site: LoweringSite, deep: Shape, toSpace: Bool, into program: inout Program
  ) {
    let (count, pixels) = (deep[1] / area, deep[2] * deep[3])
    let width = deep[3]
    // Batch, channels, rows, rows of a block, columns, columns of a block.
    let extents = [deep[0], count, deep[2], extent, width, extent]
    let step = channelsFirst ? pixels : count * pixels
    let deepStrides = [
      deep[1] * pixels, channelsFirst ? area * pixels : pixels, width, extent * step, 1, step,
    ]
    let wideStrides = Shape(extents).strides
    program.step(site) {
      StridedCopy(
        extents, of: site.outputTypes[0], from: $0.region(site.inputs[0]),
        strides: toSpace ? deepStrides : wideStrides, to: $0.region(site.outputs[0]),
        strides: toSpace ? wideStrides : deepStrides)
    }
  }
}

extension DepthToSpace: Lowerable {
  /// Planes become planes where a pixel's channels fill them; other images in planes are written
  /// row-major.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    guard site.leadingKind == .planes else { return .allDense(at: site) }
    guard let order = blocks.order(ofChannels: site.outputShapes[0][1]) else {
      return NodeLayouts(
        inputs: [.planes(halo: .none, order: .any(preferred: nil))], outputs: [.dense])
    }
    return NodeLayouts(
      inputs: [.planes(halo: .none, order: .exactly(order))], outputs: [.planes])
  }

  func preferredOrder(at node: NodeFacts) -> ChannelOrder? {
    blocks.channelsFirst ? blocks.order(ofChannels: node.outputShapes[0][1]) : nil
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (input, output) = (site.inputs[0], site.outputs[0])
    if program.buffers[output.index].planes != nil {
      program.step(site) {
        PixelBlockCopy(
          extent: blocks.extent, deep: $0.planes(input), base: $0.base(input),
          wide: $0.planes(output), wideBase: $0.base(output), toSpace: true)
      }
    } else if program.buffers[input.index].planes != nil {
      let count = site.outputShapes[0][1]
      let channels = (0..<count).map { channel in
        (0..<blocks.area).map { blocks.channel(channel, pixel: $0, of: count) }
      }
      program.step(site) {
        SpaceFromPlanes(
          channels, extent: blocks.extent, $0.planes(input), base: $0.base(input),
          to: $0.region(output))
      }
    } else {
      blocks.copy(site, deep: site.inputShapes[0], toSpace: true, into: &program)
    }
  }
}

extension SpaceToDepth: Lowerable {
  /// Planes become planes where a pixel's channels fill them; everything else is row-major.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    guard site.leadingKind == .planes,
      let order = blocks.order(ofChannels: site.inputShapes[0][1])
    else { return .allDense(at: site) }
    return NodeLayouts(inputs: [.planes], outputs: [.planes], outputOrders: [order])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (input, output) = (site.inputs[0], site.outputs[0])
    guard program.buffers[output.index].planes != nil else {
      return blocks.copy(site, deep: site.outputShapes[0], toSpace: false, into: &program)
    }
    program.step(site) {
      PixelBlockCopy(
        extent: blocks.extent, deep: $0.planes(output), base: $0.base(output),
        wide: $0.planes(input), wideBase: $0.base(input), toSpace: false)
    }
  }
}
