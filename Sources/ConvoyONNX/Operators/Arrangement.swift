import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let arrangements: [String: Importing] = [
    "Concat": single(concatenation),
    "Split": split,
    "Slice": slice,
    "Transpose": single(transpose),
    "DepthToSpace": single(depthToSpace),
    "SpaceToDepth": single(spaceToDepth),
  ]

  private static func concatenation(_ site: ImportSite) throws(ConvoyError) -> Value {
    guard try site.input(0).extents.count <= ConstantTensor.largestRank else {
      throw .refused("too many dimensions")
    }
    // A constant without elements adds nothing.
    let values = try site.inputs.indices.filter { site.knownConstant($0)?.count != 0 }
      .map(site.value)
    guard let first = values.first else { throw .refused("at least one input is expected") }
    let dimension = try site.dimension(
      try site.attributes.integer("axis", default: 1), ofRank: first.shape.rank)
    return site.apply(Concatenation(dimension: dimension), values)
  }

  private static func split(_ site: ImportSite) throws(ConvoyError) -> [Imported] {
    let value = try site.value(0)
    let dimension = try site.dimension(
      try site.attributes.integer("axis", default: 0), ofRank: value.shape.rank)
    var start = 0
    return try splitSizes(site, of: value.shape[dimension]).map { size in
      defer { start += size }
      return size == 0
        ? .constant(.empty(value, dimension: dimension))
        : .computed(value.sliced(start..<start + size, dimension: dimension))
    }
  }

  /// How many elements of a dimension go to each part.
  static func splitSizes(_ site: ImportSite, of extent: Int) throws(ConvoyError) -> [Int] {
    if let sizes = try site.opset >= 13 ? site.integers(1) : site.attributes.integers("split") {
      var rest = extent
      for size in sizes {
        guard size >= 0, size <= rest else { break }
        rest -= size
      }
      guard rest == 0, sizes.allSatisfy({ $0 >= 0 }) else {
        throw .refused("sizes of at least 0 that add up to \(extent) are expected, got \(sizes)")
      }
      return sizes
    }
    let parts = try site.attributes.integer("num_outputs", default: site.outputCount)
    guard parts >= 1, parts <= extent, parts == site.outputCount else {
      throw .refused("\(site.outputCount) parts of \(extent) are expected, got \(parts)")
    }
    let size = (extent + parts - 1) / parts
    let last = extent - size * (parts - 1)
    guard last >= 1 else { throw .refused("\(extent) cannot be split into \(parts) parts") }
    return Array(repeating: size, count: parts - 1) + [last]
  }

  private static func slice(_ site: ImportSite) throws(ConvoyError) -> [Imported] {
    var value = try site.value(0)
    var extents = value.shape.dimensions
    let cuts = try site.cuts(of: extents)
    for cut in cuts { extents[cut.dimension] = cut.positions.count }
    if extents.contains(0) { return [.constant(ConstantTensor(empty: extents, value.type))] }
    for cut in cuts {
      value = try site.taking(cut.positions, of: value, dimension: cut.dimension)
    }
    return [.computed(value)]
  }

  private static func transpose(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let permutation =
      try site.attributes.integers("perm") ?? Array((0..<value.shape.rank).reversed())
    return site.apply(Transpose(permutation: permutation), [value])
  }

  private static func depthToSpace(_ site: ImportSite) throws(ConvoyError) -> Value {
    let (image, block) = try site.imageAndBlock()
    let (c, h, w) = (image.shape[1], image.shape[2], image.shape[3])
    guard c % (block * block) == 0 else {
      throw .refused("channels divisible by \(block)² are expected, got \(c)")
    }
    let rest = c / (block * block)
    let table =
      try site.isColumnFirst()
      ? image.reshaped([0, rest, block, block, h, w]).transposed([0, 1, 4, 2, 5, 3])
      : image.reshaped([0, block, block, rest, h, w]).transposed([0, 3, 4, 1, 5, 2])
    return site.apply(Reshape([0, rest, h * block, w * block]), [table])
  }

  private static func spaceToDepth(_ site: ImportSite) throws(ConvoyError) -> Value {
    let (image, block) = try site.imageAndBlock()
    let (c, h, w) = (image.shape[1], image.shape[2], image.shape[3])
    guard h % block == 0, w % block == 0 else {
      throw .refused("extents divisible by \(block) are expected, got \(h)×\(w)")
    }
    // Before version 28 the blocks' positions always come before the channels.
    let table = image.reshaped([0, c, h / block, block, w / block, block])
      .transposed(try site.isColumnFirst() ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4])
    return site.apply(Reshape([0, c * block * block, h / block, w / block]), [table])
  }
}

extension ConstantTensor {
  /// What is left of a value without a dimension's elements.
  fileprivate static func empty(_ value: Value, dimension: Int) -> ConstantTensor {
    var extents = value.shape.dimensions
    extents[dimension] = 0
    return ConstantTensor(empty: extents, value.type)
  }
}

extension ImportSite {
  /// Whether a block's positions come after the channels, not before them.
  fileprivate func isColumnFirst() throws(ConvoyError) -> Bool {
    let mode = try attributes.string("mode", default: "DCR")
    guard ["DCR", "CRD"].contains(mode) else {
      throw .refused("the mode DCR or CRD is expected, got ‘\(mode)’")
    }
    return mode == "CRD"
  }

  /// The operands of depth to space and back.
  fileprivate func imageAndBlock() throws(ConvoyError) -> (image: Value, block: Int) {
    let image = try value(0)
    let block = try attributes.integer("blocksize", default: 0)
    guard image.shape.rank == 4, (1...4096).contains(block) else {
      throw .refused("an image of 2 spatial dimensions and a block of 1 to 4096 are expected")
    }
    return (image, block)
  }

  /// What a slice takes of each dimension that it cuts.
  func cuts(of extents: [Int]) throws(ConvoyError) -> [(dimension: Int, positions: Positions)] {
    guard
      let starts = try opset >= 10 ? integers(1) : attributes.integers("starts"),
      let ends = try opset >= 10 ? integers(2) : attributes.integers("ends")
    else { throw .refused("starts and ends are expected") }
    let axes =
      try (opset >= 10 ? integers(3) : attributes.integers("axes")) ?? Array(starts.indices)
    let steps = try (opset >= 10 ? integers(4) : nil) ?? starts.map { _ in 1 }
    guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count
    else { throw .refused("as many starts, ends, axes and steps are expected") }
    let dimensions = try axes.map { axis throws(ConvoyError) in
      try dimension(axis, ofRank: extents.count)
    }
    guard Set(dimensions).count == dimensions.count else { throw .refused("its axes repeat") }
    return try dimensions.indices.map { index throws(ConvoyError) in
      let extent = extents[dimensions[index]]
      return (
        dimensions[index],
        try Positions(start: starts[index], end: ends[index], step: steps[index], of: extent)
      )
    }
  }

  /// Some positions of a dimension: cut out range by range and put together, or by their indices
  /// where there are many ranges.
  func taking(
    _ positions: some RandomAccessCollection<Int>, of value: Value, dimension: Int
  ) throws(ConvoyError) -> Value {
    if let positions = positions as? Positions, positions.step > 0 {
      if positions.count == value.shape[dimension] { return value }
      return value.sliced(
        positions.first..<positions.last + 1, dimension: dimension, step: positions.step)
    }
    if let taken = cut(positions, of: value, dimension: dimension) { return taken }
    try importer.spend(positions.count)
    let indices = try Tensor(
      Shape(validating: [positions.count]), elements: positions.map { Int64($0) })
    return apply(Gather(.positions(dimension: dimension)), [value, builder.constant(indices)])
  }

  /// Some positions of a dimension, cut out range by range and put together; nil if there are many
  /// ranges.
  func cut(
    _ positions: some RandomAccessCollection<Int>, of value: Value, dimension: Int
  ) -> Value? {
    var ranges: [Range<Int>] = []
    for position in positions {
      if let last = ranges.last, last.upperBound == position {
        ranges[ranges.count - 1] = last.lowerBound..<position + 1
      } else {
        ranges.append(position..<position + 1)
        guard ranges.count <= 16 else { return nil }
      }
    }
    if ranges == [0..<value.shape[dimension]] { return value }
    var pieces: [Range<Int>: Value] = [:]
    let parts = ranges.map { range in
      let piece = pieces[range] ?? value.sliced(range, dimension: dimension)
      pieces[range] = piece
      return piece
    }
    return parts.count == 1 ? parts[0] : apply(Concatenation(dimension: dimension), parts)
  }
}

/// The positions that a slice takes of a dimension.
struct Positions: RandomAccessCollection {
  let start: Int
  let step: Int
  let count: Int

  /// Clamps as ONNX does: negative numbers count from the end, what lies outside is left out.
  init(start: Int, end: Int, step: Int, of extent: Int) throws(ConvoyError) {
    guard step != 0, step != .min, extent <= Shape.maximumElementCount else {
      throw .refused("a step other than 0 is expected")
    }
    func counted(_ position: Int) -> Int { position < 0 ? position + extent : position }
    let bounds = step > 0 ? 0...extent : -1...extent - 1
    func clamped(_ position: Int) -> Int {
      Swift.min(Swift.max(counted(position), bounds.lowerBound), bounds.upperBound)
    }
    let (first, limit) = (clamped(start), clamped(end))
    self.start = first
    self.step = step
    let length = step > 0 ? limit - first : first - limit
    count = length > 0 ? (length - 1) / abs(step) + 1 : 0
  }

  var startIndex: Int { 0 }
  var endIndex: Int { count }
  subscript(index: Int) -> Int { start + index * step }
  /// The first of at least one.
  var first: Int { self[0] }
  /// The last of at least one.
  var last: Int { self[count - 1] }
}

// MARK: Export

extension Concatenation: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish("Concat", site.inputs, [.init("axis", dimension)])
  }
}

extension AxisSlice: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    let numbers = [("start", start), ("end", end), ("axis", dimension), ("step", step)]
    site.finish("Slice", site.inputs + numbers.map { site.integers([$1], $0) })
  }
}

extension Transpose: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish("Transpose", site.inputs, [.init("perm", permutation)])
  }
}

extension ChannelShuffle: Exportable {
  /// The channels as a table, transposed.
  func export(at site: ExportSite) throws(ConvoyError) {
    let shape = site.inputShapes[0]
    let (rank, spatial) = (shape.rank, shape.dimensions.dropFirst(2))
    let table = site.emit(
      "Reshape",
      [site.inputs[0], site.integers([0, groups, shape[1] / groups] + spatial, "table")])
    let columns = site.emit(
      "Transpose", [table], [.init("perm", [0, 2, 1] + Array(3..<rank + 1))])
    site.finish("Reshape", [columns, site.integers([0, shape[1]] + spatial, "shape")])
  }
}
