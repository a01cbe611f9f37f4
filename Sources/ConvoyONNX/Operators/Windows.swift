import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  /// Operators of windows and of the middle of a tensor.
  static let windows: [String: Importing] = [
    "Col2Im": single(columnsToImage),
    "DeformConv": single(deformableConvolution),
    "CenterCropPad": single(centered),
  ]

  /// The sum of overlapping blocks: a transposed convolution in which each channel of a block goes to
  /// its own place.
  private static func columnsToImage(_ site: ImportSite) throws(ConvoyError) -> Value {
    let columns = try site.value(0)
    let (extents, block) = (try site.constant(1).integers(), try site.constant(2).integers())
    let rank = extents.count
    guard (1...3).contains(rank), block.count == rank, (extents + block).allSatisfy({ $0 >= 1 })
    else { throw .refused("1 to 3 extents of the image, and of a block, are expected") }
    let image = try Shape(validating: [1, 1] + extents)
    let window = try site.window(kernel: block, image: image)
    // As many blocks as a convolution has windows.
    let count = try Pooling(.maximum, window: window).outputShapes(for: [image])[0]
      .dimensions.dropFirst(2)
    let taps = block.reduce(1, *)
    guard columns.shape.rank == 3, columns.shape[1] % taps == 0,
      columns.shape[2] == count.reduce(1, *)
    else {
      throw .refused(
        "channels that are a multiple of \(taps), and \(count.reduce(1, *)) blocks, are expected, got "
          + "\(columns.shape)")
    }
    let channels = columns.shape[1] / taps
    try site.importer.spend(channels * taps * taps)
    var weights = [Float](repeating: 0, count: channels * taps * taps)
    for row in 0..<channels * taps { weights[row * taps + row % taps] = 1 }
    let kernel = site.builder.constant(try Tensor(Shape([channels * taps, 1] + block), weights))
    let padding = window.resolvedPadding(for: extents)
    let outputPadding = count.enumerated().map { d, blocks in
      extents[d] + padding[d].before + padding[d].after - (blocks - 1) * window.stride[d]
        - window.span(d)
    }
    let blocks = columns.reshaped([columns.shape[0], channels * taps] + count)
    return site.apply(
      TransposedConvolution(window, groups: channels, outputPadding: outputPadding),
      [blocks, kernel])
  }

  private static func deformableConvolution(_ site: ImportSite) throws(ConvoyError) -> Value {
    let image = try site.value(0)
    let weights = try site.parameter(1)
    let window = try site.window(
      kernel: Array(weights.shape.dimensions.dropFirst(2)), image: image.shape)
    let factors = try site.has(4) ? [site.value(4)] : []
    let result = site.apply(
      DeformableConvolution(
        window, groups: try site.attributes.integer("group", default: 1),
        offsetGroups: try site.attributes.integer("offset_group", default: 1)),
      [image, weights, try site.value(2)] + factors)
    return site.has(3) ? result + (try site.channelParameter(3, ofRank: 4)) : result
  }

  /// The middle of some dimensions cut out, or padded with zeros to the extents that are asked for.
  private static func centered(_ site: ImportSite) throws(ConvoyError) -> Value {
    var value = try site.value(0)
    let rank = value.shape.rank
    let extents = try site.constant(1).integers()
    let axes =
      try site.attributes.integers("axes")?.map { axis throws(ConvoyError) in
        try site.dimension(axis, ofRank: rank)
      } ?? Array(0..<rank)
    guard extents.count == axes.count, Set(axes).count == axes.count,
      extents.allSatisfy({ $0 >= 1 && $0 <= 1 << 40 })
    else { throw .refused("an extent of at least 1 for each axis is expected, got \(extents)") }
    var (before, after) = (Array(repeating: 0, count: rank), Array(repeating: 0, count: rank))
    for (axis, extent) in zip(axes, extents) {
      let own = value.shape[axis]
      if extent < own {
        let start = (own - extent) / 2
        value = value.sliced(start..<start + extent, dimension: axis)
      } else {
        before[axis] = (extent - own) / 2
        after[axis] = extent - own - before[axis]
      }
    }
    return (before + after).allSatisfy { $0 == 0 }
      ? value : site.apply(Pad(before: before, after: after, value: 0), [value])
  }
}
