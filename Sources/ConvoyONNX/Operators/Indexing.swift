import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  /// What moves elements to or from places that numbers name.
  static let indexing: [String: Importing] = [
    "Gather": single(gather),
    "GatherElements": single { site throws(ConvoyError) in
      site.apply(Gather(.elements(dimension: try site.indexedDimension())), try site.values())
    },
    "GatherND": single { site throws(ConvoyError) in
      let batch = try site.attributes.integer("batch_dims", default: 0)
      return site.apply(Gather(.tuples(after: batch)), try site.values())
    },
    "Scatter": single { site throws(ConvoyError) in
      try site.scattered(.elements(dimension: try site.indexedDimension()))
    },
    "ScatterElements": single { site throws(ConvoyError) in
      try site.scattered(.elements(dimension: try site.indexedDimension()))
    },
    "ScatterND": single { site throws(ConvoyError) in try site.scattered(.tuples(after: 0)) },
    "ReverseSequence": single(reverseSequence),
    "OneHot": single(oneHot),
    "Compress": compress,
    "CumSum": single { site throws(ConvoyError) in try site.cumulated(.sum) },
    "CumProd": single { site throws(ConvoyError) in try site.cumulated(.product) },
  ]

  /// Indices that are known and name few ranges cut these out; kernels read slices where they are.
  private static func gather(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let dimension = try site.indexedDimension()
    let extent = value.shape[dimension]
    if let indices = site.knownConstant(1), indices.count > 0 {
      let positions = try indices.integers().map { index throws(ConvoyError) in
        guard (-extent..<extent).contains(index) else {
          throw .refused("an index within \(extent) is expected, got \(index)")
        }
        return index < 0 ? index + extent : index
      }
      if let taken = site.cut(positions, of: value, dimension: dimension) {
        if indices.rank == 1 { return taken }
        var extents = value.shape.dimensions
        extents.replaceSubrange(dimension...dimension, with: indices.extents)
        return site.reshape(taken, extents)
      }
    }
    return site.apply(Gather(.positions(dimension: dimension)), [value, try site.value(1)])
  }

  /// The first elements of each row in reverse order, as many as its length.
  ///
  /// The position t of a row of length n is n − 1 − t of it, if t < n.
  private static func reverseSequence(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let time = try site.attributes.integer("time_axis", default: 0)
    let batch = try site.attributes.integer("batch_axis", default: 1)
    guard value.shape.rank >= 2, [[0, 1], [1, 0]].contains([time, batch]) else {
      throw .refused("the axes 0 and 1 in some order are expected, got \(time) and \(batch)")
    }
    let (rows, steps) = (value.shape[batch], value.shape[time])
    let builder = site.builder
    let lengths = try site.value(1).cast(to: .int64)
      .reshaped(batch == 0 ? [rows, 1] : [1, rows])
    let places = builder.constant(
      try Tensor(time == 0 ? [steps, 1] : [1, steps], elements: (0..<Int64(steps)).map { $0 }))
    let last = builder.constant(Tensor(scalar: 1 as Int64))
    let sources = (lengths - last - places)
      .selected(where: places.compared(.less, to: lengths), else: places)
    // One index for each element.
    let rest = Array(repeating: 1, count: value.shape.rank - 2)
    let indices = sources.reshaped(sources.shape.dimensions + rest)
      .applying(Repetition(to: value.shape))
    return site.apply(Gather(.elements(dimension: time)), [value, indices])
  }

  /// The second of two values where an index is its position along the new axis, else the first.
  private static func oneHot(_ site: ImportSite) throws(ConvoyError) -> Value {
    let indices = try site.value(0)
    let depth = try site.constant(1).wholeNumber()
    let rank = indices.shape.rank
    let axis = try site.dimension(
      try site.attributes.integer("axis", default: -1), ofRank: rank + 1)
    guard (1...1 << 24).contains(depth) else {
      throw .refused("a depth of 1 to 2²⁴ is expected, got \(depth)")
    }
    try site.importer.spend(depth)
    let values = try site.value(2)
    guard values.shape == [2] else {
      throw .refused("two values are expected, got \(values.shape)")
    }
    var extents = indices.shape.dimensions
    extents.insert(1, at: axis)
    let builder = site.builder
    let spread = indices.reshaped(extents)
    let type = indices.type
    func numbers(_ numbers: Range<Int>, _ extents: [Int]) throws(ConvoyError) -> Value {
      let tensor = try Tensor(Shape(validating: extents), elements: numbers.map { Int64($0) })
      return builder.constant(tensor.converted(to: type))
    }
    let row = [depth] + Array(repeating: 1, count: rank - axis)
    var isOn = spread.compared(.equal, to: try numbers(0..<depth, row))
    if type.isSigned {
      let fromEnd = spread.compared(.equal, to: try numbers(-depth..<0, row))
      isOn = isOn.bitwise(.or, fromEnd)
    }
    let (off, on) = (
      values.sliced(0..<1, dimension: 0).reshaped([]),
      values.sliced(1..<2, dimension: 0).reshaped([])
    )
    return site.apply(Selection(), [on, off, isOn])
  }

  /// The positions along an axis, or of all elements in a row, where a condition holds.
  private static func compress(_ site: ImportSite) throws(ConvoyError) -> [Imported] {
    var value = try site.value(0)
    let condition = try site.constant(1).integers()
    var dimension = 0
    if site.attributes.has("axis") {
      dimension = try site.indexedDimension()
    } else {
      value = value.reshaped([-1])
    }
    guard condition.count <= value.shape[dimension] else {
      throw .refused(
        "at most \(value.shape[dimension]) truth values are expected, got \(condition.count)")
    }
    let positions = condition.indices.filter { condition[$0] != 0 }
    guard !positions.isEmpty else {
      var extents = value.shape.dimensions
      extents[dimension] = 0
      return [.constant(ConstantTensor(empty: extents, value.type))]
    }
    return [.computed(try site.taking(positions, of: value, dimension: dimension))]
  }
}

extension ImportSite {
  /// The dimension of the first input that the attribute `axis` names, the first unless it is given.
  fileprivate func indexedDimension() throws(ConvoyError) -> Int {
    try dimension(attributes.integer("axis", default: 0), ofRank: input(0).extents.count)
  }

  fileprivate func scattered(_ addressing: Addressing) throws(ConvoyError) -> Value {
    let reduction = try attributes.string("reduction", default: "none")
    let functions: [String: Scatter.Function] = [
      "none": .replace, "add": .add, "mul": .multiply, "min": .minimum, "max": .maximum,
    ]
    guard let function = functions[reduction] else {
      throw .refused("the reduction ‘\(reduction)’ is not known")
    }
    return apply(Scatter(addressing, function), try values())
  }

  fileprivate func cumulated(_ function: Cumulation.Function) throws(ConvoyError) -> Value {
    let value = try value(0)
    let axis = try dimension(constant(1).wholeNumber(), ofRank: value.shape.rank)
    return apply(
      Cumulation(
        function, along: axis, isExclusive: try attributes.flag("exclusive"),
        isReversed: try attributes.flag("reverse")), [value])
  }
}

extension ConstantTensor {
  /// The only element, which is a whole number.
  func wholeNumber() throws(ConvoyError) -> Int {
    guard count == 1 else { throw .refused("a single number is expected, got \(count)") }
    if let float = scalar {
      guard let number = Int(exactly: float) else {
        throw .refused("a whole number is expected, got \(float)")
      }
      return number
    }
    return try integers()[0]
  }

  /// The only element, as a float.
  func number() throws(ConvoyError) -> Float {
    if let scalar { return scalar }
    return Float(try wholeNumber())
  }
}

// MARK: Export

extension Gather: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    switch addressing {
    case .positions(let dimension):
      site.finish("Gather", site.inputs, [.init("axis", dimension)])
    case .elements(let dimension):
      site.finish("GatherElements", site.inputs, [.init("axis", dimension)])
    case .tuples(let first):
      site.finish("GatherND", site.inputs, [.init("batch_dims", first)])
    }
  }
}

extension Scatter: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    let (tensor, updates) = (site.inputShapes[0], site.inputShapes[2])
    let names: [Scatter.Function: String] = [.replace: "none", .add: "add", .multiply: "mul"]
    guard let name = names[function] else {
      throw ConvoyError(
        .argument, "The version of ONNX that is written scatters no \(function.rawValue)")
    }
    let reduction = [Onnx_AttributeProto("reduction", name)]
    switch addressing {
    case .tuples(after: 0): site.finish("ScatterND", site.inputs, reduction)
    case .elements(let dimension):
      site.finish("ScatterElements", site.inputs, reduction + [.init("axis", dimension)])
    case .positions(let dimension) where site.inputShapes[1].rank == 1:
      // One index for each update.
      var extents = Array(repeating: 1, count: tensor.rank)
      extents[dimension] = updates[dimension]
      let row = site.emit("Reshape", [site.inputs[1], site.integers(extents, "row")])
      let indices = site.emit("Expand", [row, site.integers(updates.dimensions, "shape")])
      site.finish(
        "ScatterElements", [site.inputs[0], indices, site.inputs[2]],
        reduction + [.init("axis", dimension)])
    case .positions, .tuples:
      throw ConvoyError(.argument, "ONNX has no form of the scattering ‘\(site.name)’")
    }
  }
}

extension Cumulation: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    guard function == .sum else {
      throw ConvoyError(
        .argument, "The version of ONNX that is written has no cumulative products")
    }
    site.finish(
      "CumSum", [site.inputs[0], site.integers([dimension], "axis")],
      [.init("exclusive", isExclusive ? 1 : 0), .init("reverse", isReversed ? 1 : 0)])
  }
}
