import ConvoyTensors

// MARK: Evaluation

extension Conversions {
  /// Operators that move numbers, where these are known.
  static let constantMoving: [String: Evaluating] = [
    "Identity": { site in site.knownConstant(0).map { [$0] } },
    "Cast": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0) else { return nil }
      let type = try site.castType()
      if constant.type == type.held, !type.rounds { return [constant] }
      try site.importer.spend(constant.count)
      return [constant.cast(to: type)]
    },
    "Reshape": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0) else { return nil }
      let pattern = try site.reshapingPattern()
      let allowsZero = try site.attributes.flag("allowzero")
      return [try constant.reshaped(pattern: pattern, allowsZero: allowsZero)]
    },
    "Squeeze": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0) else { return nil }
      return [try constant.reshaped(try site.squeezed(constant.extents))]
    },
    "Unsqueeze": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0) else { return nil }
      return [try constant.reshaped(try site.unsqueezed(constant.extents))]
    },
    "Transpose": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0) else { return nil }
      try site.importer.spend(constant.count)
      let permutation =
        try site.attributes.integers("perm") ?? Array((0..<constant.rank).reversed())
      return [try constant.transposed(permutation)]
    },
    "Concat": { site throws(ConvoyError) in
      let constants = site.inputs.indices.compactMap { site.knownConstant($0) }
      guard constants.count == site.inputs.count, let first = constants.first else { return nil }
      let axis = try site.attributes.integer("axis", default: 1)
      try site.importer.spend(constants.reduce(0) { $0 + $1.count })
      return [
        try ConstantTensor(
          joining: constants, dimension: try site.dimension(axis, ofRank: first.rank))
      ]
    },
    "Gather": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0), let indices = site.knownConstant(1) else {
        return nil
      }
      let axis = try site.attributes.integer("axis", default: 0)
      return [
        try constant.gathering(
          indices, dimension: try site.dimension(axis, ofRank: constant.rank), site.importer)
      ]
    },
    "Slice": { site throws(ConvoyError) in
      guard var constant = site.knownConstant(0) else { return nil }
      for cut in try site.cuts(of: constant.extents) {
        let rest = constant.count / max(1, constant.extents[cut.dimension])
        try site.importer.spend(cut.positions.count * rest)
        constant = try constant.taking(cut.positions, dimension: cut.dimension)
      }
      return [constant]
    },
    "Split": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0) else { return nil }
      let dimension = try site.dimension(
        try site.attributes.integer("axis", default: 0), ofRank: constant.rank)
      var start = 0
      try site.importer.spend(constant.count)
      return try splitSizes(site, of: constant.extents[dimension]).map { size throws(ConvoyError) in
        defer { start += size }
        return try constant.taking(Array(start..<start + size), dimension: dimension)
      }
    },
    "Expand": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0), let shape = site.knownConstant(1) else {
        return nil
      }
      let extents = try broadcast(constant.extents, shape.integers())
      return [try constant.repeated(to: extents, site.importer)]
    },
  ]
}

extension ConstantTensor {
  /// Under a shape in which 0 copies an extent and −1 takes what is left.
  fileprivate func reshaped(
    pattern: [Int], allowsZero: Bool
  ) throws(ConvoyError) -> ConstantTensor {
    var extents = try pattern.enumerated().map { index, extent throws(ConvoyError) in
      guard extent == 0, !allowsZero else { return extent }
      guard index < rank else { throw .refused("the shape \(pattern) copies what is not there") }
      return self.extents[index]
    }
    if let open = extents.firstIndex(of: -1) {
      extents[open] = 1
      let rest = try ConstantTensor.count(of: extents)
      guard rest > 0 else { throw .refused("the shape \(pattern) does not follow") }
      extents[open] = count / rest
    }
    return try reshaped(extents)
  }

  /// Row-major distances between neighbours.
  fileprivate var strides: [Int] {
    var strides = Array(repeating: 1, count: rank)
    for d in extents.indices.dropLast().reversed() { strides[d] = strides[d + 1] * extents[d + 1] }
    return strides
  }

  /// Elements walked with distances of their own.
  ///
  /// - Precondition: the extents' product fits.
  fileprivate func walked(
    _ extents: [Int], from start: Int = 0, strides: [Int], source: String?
  ) throws(ConvoyError) -> ConstantTensor {
    if extents.contains(0) { return ConstantTensor(empty: extents, type) }
    if let fill { return try ConstantTensor(extents, filledWith: fill, source: source) }
    return try type.apply(
      Walk(constant: self, extents: extents, start: start, strides: strides, source: source)
    ).get()
  }

  /// The dimensions in another order.
  func transposed(_ permutation: [Int]) throws(ConvoyError) -> ConstantTensor {
    guard permutation.sorted() == Array(0..<rank) else {
      throw .refused("each of \(rank) dimensions once is expected, got \(permutation)")
    }
    let strides = strides
    return try walked(
      permutation.map { extents[$0] }, strides: permutation.map { strides[$0] }, source: source)
  }

  /// Repeated to a larger shape.
  func repeated(to extents: [Int], _ importer: Importer) throws(ConvoyError) -> ConstantTensor {
    let count = try ConstantTensor.count(of: extents)
    if extents == self.extents { return self }
    try importer.spend(count)
    let missing = extents.count - rank
    let own = strides
    let strides = extents.indices.map { d in
      d < missing || self.extents[d - missing] == 1 ? 0 : own[d - missing]
    }
    return try walked(extents, strides: strides, source: nil)
  }

  /// Evenly spaced positions of a dimension.
  fileprivate func taking(
    _ positions: Positions, dimension: Int
  ) throws(ConvoyError) -> ConstantTensor {
    var (extents, strides) = (extents, strides)
    let start = positions.isEmpty ? 0 : positions.first * strides[dimension]
    extents[dimension] = positions.count
    strides[dimension] *= positions.step
    return try walked(extents, from: start, strides: strides, source: nil)
  }

  /// Some positions of a dimension.
  func taking(
    _ positions: [Int], dimension: Int, source: String? = nil
  ) throws(ConvoyError) -> ConstantTensor {
    var result = extents
    result[dimension] = positions.count
    if result.contains(0) { return ConstantTensor(empty: result, type) }
    if let fill { return try ConstantTensor(result, filledWith: fill, source: source) }
    return try type.apply(
      Taking(
        constant: self, extents: result, positions: positions, dimension: dimension, source: source)
    ).get()
  }

  fileprivate func gathering(
    _ indices: ConstantTensor, dimension: Int, _ importer: Importer
  ) throws(ConvoyError) -> ConstantTensor {
    let extent = extents[dimension]
    let positions = try indices.integers().map { index throws(ConvoyError) in
      guard (-extent..<extent).contains(index) else {
        throw .refused("an index within \(extent) is expected, got \(index)")
      }
      return index < 0 ? index + extent : index
    }
    let rest = extent == 0 ? 0 : count / extent
    try importer.spend(try ConstantTensor.count(of: [positions.count, rest]))
    var result = extents
    result.replaceSubrange(dimension...dimension, with: indices.extents)
    return try taking(positions, dimension: dimension).reshaped(result)
  }

  /// Joins tensors of one type along a dimension.
  init(joining parts: [ConstantTensor], dimension: Int) throws(ConvoyError) {
    let first = parts[0]
    var extents = first.extents
    extents[dimension] = 0
    for part in parts {
      guard part.rank == first.rank,
        extents.indices.allSatisfy({ $0 == dimension || part.extents[$0] == extents[$0] })
      else { throw .refused("the shapes \(parts.map(\.extents)) cannot be joined") }
      guard part.type == first.type else {
        throw .refused("tensors of one type are expected, got \(first.type) and \(part.type)")
      }
      let (sum, overflow) = extents[dimension].addingReportingOverflow(part.extents[dimension])
      guard !overflow else { throw .refused("the shape of its output cannot be held") }
      extents[dimension] = sum
    }
    _ = try ConstantTensor.count(of: extents)
    if extents.contains(0) {
      self.init(empty: extents, first.type)
    } else {
      self = try first.type.apply(
        Joining(parts: parts, extents: extents, dimension: dimension)
      ).get()
    }
  }
}

// MARK: Loops over elements

private typealias Moved = Result<ConstantTensor, ConvoyError>

/// Elements at distances of their own.
private struct Walk: TypedFunction {
  let constant: ConstantTensor
  let extents: [Int]
  let start: Int
  let strides: [Int]
  let source: String?

  func callAsFunction<Element: TensorElement>(_: Element.Type) -> Moved {
    Result { () throws(ConvoyError) in
      let elements = try constant.elements(as: Element.self)
      var result: [Element] = []
      result.reserveCapacity(extents.reduce(1, *))
      func walk(_ dimension: Int, from start: Int) {
        guard dimension < extents.count else { return result.append(elements[start]) }
        for index in 0..<extents[dimension] {
          walk(dimension + 1, from: start + index * strides[dimension])
        }
      }
      walk(0, from: start)
      return ConstantTensor(extents, result, source: source)
    }
  }
}

/// Elements of some positions of a dimension.
private struct Taking: TypedFunction {
  let constant: ConstantTensor
  let extents: [Int]
  let positions: [Int]
  let dimension: Int
  let source: String?

  func callAsFunction<Element: TensorElement>(_: Element.Type) -> Moved {
    Result { () throws(ConvoyError) in
      let elements = try constant.elements(as: Element.self)
      let inner = extents[(dimension + 1)...].reduce(1, *)
      var taken: [Element] = []
      taken.reserveCapacity(extents.reduce(1, *))
      for row in 0..<extents[..<dimension].reduce(1, *) {
        for position in positions {
          let first = (row * constant.extents[dimension] + position) * inner
          taken += elements[first..<first + inner]
        }
      }
      return ConstantTensor(extents, taken, source: source)
    }
  }
}

/// The elements of several tensors along a dimension.
private struct Joining: TypedFunction {
  let parts: [ConstantTensor]
  let extents: [Int]
  let dimension: Int

  func callAsFunction<Element: TensorElement>(_: Element.Type) -> Moved {
    Result { () throws(ConvoyError) in
      let elements = try parts.map { part throws(ConvoyError) in
        try part.elements(as: Element.self)
      }
      let lengths = parts.map { $0.extents[dimension...].reduce(1, *) }
      var joined: [Element] = []
      joined.reserveCapacity(extents.reduce(1, *))
      for row in 0..<extents[..<dimension].reduce(1, *) {
        for (part, length) in zip(elements, lengths) {
          joined += part[row * length..<(row + 1) * length]
        }
      }
      return ConstantTensor(extents, joined)
    }
  }
}
