import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let shapes: [String: Importing] = [
    "Reshape": single(reshape),
    "Flatten": single(flatten),
    "Squeeze": single(squeeze),
    "Unsqueeze": single(unsqueeze),
    "Expand": expand,
    "Cast": single(cast),
    "CastLike": single(cast),
    "Shape": notComputed, "Size": notComputed, "Constant": notComputed,
    "ConstantOfShape": notComputed, "Range": notComputed,
  ]

  /// These are always evaluated.
  private static let notComputed: Importing = { site throws(ConvoyError) in
    _ = try site.constants()
    throw .refused("it is supported only where all it reads is known while reading")
  }

  private static func reshape(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let pattern = try site.reshapingPattern()
    guard pattern.count <= ConstantTensor.largestRank else { throw .refused("too many dimensions") }
    if try site.attributes.flag("allowzero"), pattern.contains(0) {
      throw .refused("a shape without elements is not supported")
    }
    let extents = try Reshape(pattern).outputShapes(for: [value.shape])[0].dimensions
    return site.shuffled(value, to: extents) ?? site.reshape(value, pattern)
  }

  private static func flatten(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let rank = value.shape.rank
    let axis = try site.attributes.integer("axis", default: 1)
    guard (-rank...rank).contains(axis) else { throw .refused("its axis \(axis) is out of range") }
    let first = axis < 0 ? axis + rank : axis
    let columns = value.shape.dimensions.dropFirst(first).reduce(1, *)
    let pattern = first == 0 ? [1, -1] : first == 1 ? [0, -1] : [-1, columns]
    return site.apply(Reshape(pattern), [value])
  }

  private static func squeeze(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    return site.reshape(value, try site.squeezed(value.shape.dimensions))
  }

  private static func unsqueeze(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    return site.reshape(value, try site.unsqueezed(value.shape.dimensions))
  }

  private static func expand(_ site: ImportSite) throws(ConvoyError) -> [Imported] {
    let value = try site.value(0)
    let extents = try broadcast(value.shape.dimensions, try site.constant(1).integers())
    if extents == value.shape.dimensions { return [.computed(value)] }
    if extents.contains(0) { return [.constant(ConstantTensor(empty: extents, value.type))] }
    return [.computed(site.apply(Repetition(to: try Shape(validating: extents)), [value]))]
  }

  /// To integers, truth values, or floats, which are float32 here: those of less precision round.
  private static func cast(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let type = try site.type == "CastLike" ? site.input(1).type : site.castType()
    if value.type == type.held, !type.rounds { return value }
    return site.apply(Cast(to: type.rounds ? type : type.held), [value]).cast(to: type.held)
  }

  /// The extents to which two shapes repeat.
  static func broadcast(_ a: [Int], _ b: [Int]) throws(ConvoyError) -> [Int] {
    let rank = max(a.count, b.count)
    guard rank <= ConstantTensor.largestRank else { throw .refused("too many dimensions") }
    let padded = [a, b].map { Array(repeating: 1, count: rank - $0.count) + $0 }
    return try zip(padded[0], padded[1]).map { x, y throws(ConvoyError) in
      guard x == y || x == 1 || y == 1 else {
        throw .refused("the shapes \(a) and \(b) cannot be brought to one")
      }
      return x == 1 ? y : x
    }
  }
}

extension ImportSite {
  /// What a cast is to.
  func castType() throws(ConvoyError) -> ElementType {
    if opset >= 6 { return try typeAttribute("to") }
    let name = try attributes.string("to", default: "").lowercased()
    let names: [String: ElementType] = ["float": .float32, "double": .float64]
    guard let type = names[name] ?? ElementType(rawValue: name) else {
      throw .refused("it casts to ‘\(name)’, which is not supported")
    }
    return type
  }

  /// The type of elements that an attribute names.
  func typeAttribute(_ name: String) throws(ConvoyError) -> ElementType {
    try ElementType(onnxCode: Int32(clamping: attributes.integer(name, default: 0)))
  }

  /// The extents of a reshape, which became an input.
  func reshapingPattern() throws(ConvoyError) -> [Int] {
    guard opset < 5 else { return try constant(1).integers() }
    guard let pattern = try attributes.integers("shape") else {
      throw .refused("a shape is expected")
    }
    return pattern
  }

  /// A squeeze's or unsqueeze's axes, which became an input.
  private func axes() throws(ConvoyError) -> [Int]? {
    try opset >= 13 ? integers(1) : attributes.integers("axes")
  }

  func squeezed(_ extents: [Int]) throws(ConvoyError) -> [Int] {
    guard let axes = try axes() else { return extents.filter { $0 != 1 } }
    let dropped = try dimensions(axes, ofRank: extents.count)
    guard dropped.allSatisfy({ extents[$0] == 1 }) else {
      throw .refused("dimensions of extent 1 are expected at \(axes), got the shape \(extents)")
    }
    return extents.indices.filter { !dropped.contains($0) }.map { extents[$0] }
  }

  func unsqueezed(_ extents: [Int]) throws(ConvoyError) -> [Int] {
    guard let axes = try axes() else { throw .refused("axes are expected") }
    guard axes.count + extents.count <= ConstantTensor.largestRank else {
      throw .refused("too many dimensions")
    }
    var result = extents
    for axis in try dimensions(axes, ofRank: extents.count + axes.count) {
      result.insert(1, at: axis)
    }
    return result
  }
}

// MARK: Evaluation

extension Conversions {
  /// Operators that make constants of nothing, or of shapes.
  static let constantMaking: [String: Evaluating] = [
    "Shape": { site throws(ConvoyError) in
      let extents = try site.input(0).extents
      let positions = try Positions(
        start: try site.attributes.integer("start", default: 0),
        end: try site.attributes.integer("end", default: extents.count), step: 1,
        of: extents.count)
      return [ConstantTensor(integers: positions.map { extents[$0] })]
    },
    "Size": { site throws(ConvoyError) in
      [ConstantTensor([], integers: [try ConstantTensor.count(of: site.input(0).extents)])]
    },
    "Constant": { site throws(ConvoyError) in [try ConstantTensor(constantOf: site)] },
    "ConstantOfShape": { site throws(ConvoyError) in
      guard let extents = try site.knownConstant(0)?.integers() else { return nil }
      let value =
        if let tensor = try site.attributes.tensor("value") {
          try ConstantTensor(tensor, externalData: nil)
        } else {
          ConstantTensor([1], [Float(0)])
        }
      guard value.count == 1 else { throw .refused("a value of one element is expected") }
      let count = try ConstantTensor.count(of: extents)
      if let fill = value.scalar, count > site.importer.budget / 64 {
        // Weights that stand for others: they take memory where they are packed.
        try site.importer.spendFill(count)
        return [try ConstantTensor(extents, filledWith: fill)]
      }
      return [try value.reshaped([]).repeated(to: extents, site.importer)]
    },
    "Range": { site throws(ConvoyError) in
      guard let start = site.knownConstant(0), let limit = site.knownConstant(1),
        let step = site.knownConstant(2)
      else { return nil }
      return [try range(start, limit, step, site)]
    },
  ]

  private static func range(
    _ start: ConstantTensor, _ limit: ConstantTensor, _ step: ConstantTensor, _ site: ImportSite
  ) throws(ConvoyError) -> ConstantTensor {
    guard start.count == 1, limit.count == 1, step.count == 1 else {
      throw .refused("single numbers are expected")
    }
    func length(from first: Double, to end: Double, by step: Double) throws(ConvoyError) -> Int {
      let length = ((end - first) / step).rounded(.up)
      guard step != 0, length < 0x1p40 else { throw .refused("its range cannot be held") }
      // As a float it may be below all integers.
      return Int(max(0, length))
    }
    if start.type.isFloating {
      let (first, end, by) = (
        Double(try start.floats()[0]), Double(try limit.floats()[0]), Double(try step.floats()[0])
      )
      let count = try length(from: first, to: end, by: by)
      try site.importer.spend(count)
      return ConstantTensor([count], (0..<count).map { Float(first + Double($0) * by) })
    }
    let (first, end, by) = (
      try start.integers()[0], try limit.integers()[0], try step.integers()[0]
    )
    let count = try length(from: Double(first), to: Double(end), by: Double(by))
    try site.importer.spend(count)
    return ConstantTensor([count], integers: (0..<count).map { first &+ $0 &* by }, start.type)
  }
}

extension ConstantTensor {
  /// The tensor that a `Constant` node holds in one of its attributes.
  fileprivate init(constantOf site: ImportSite) throws(ConvoyError) {
    let attributes = site.attributes
    if let tensor = try attributes.tensor("value") {
      try self.init(tensor, externalData: site.importer.document.externalData)
    } else if attributes.has("value_float") {
      self.init([], [try attributes.float("value_float", default: 0)])
    } else if attributes.has("value_int") {
      self.init([], integers: [try attributes.integer("value_int", default: 0)])
    } else if let floats = try attributes.floats("value_floats") {
      self.init([floats.count], floats)
    } else if let integers = try attributes.integers("value_ints") {
      self.init(integers: integers)
    } else {
      throw .refused("it holds no tensor of numbers")
    }
  }
}

// MARK: Export

extension Reshape: Exportable {
  /// The pattern means the same there.
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish("Reshape", site.inputs + [site.integers(pattern, "shape")])
  }
}

extension Cast: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish("Cast", site.inputs, [.init("to", Int(type.onnxType.rawValue))])
  }
}

extension Repetition: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish("Expand", site.inputs + [site.integers(shape.dimensions, "shape")])
  }
}
