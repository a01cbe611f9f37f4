import ConvoyTensors

// MARK: Evaluation

extension Conversions {
  /// Operators that move numbers, where these are known.
  static let constantMoving: [String: Evaluating] = [
    "Identity": { site in site.knownConstant(0).map { [$0] } },
    "Dropout": { site in site.knownConstant(0).map { [$0] } },
    "Reshape": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0) else { return nil }
      let pattern = try site.constant(1).integers()
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
        constant = constant.taking(Array(cut.positions), dimension: cut.dimension)
      }
      return [constant]
    },
    "Split": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0) else { return nil }
      let dimension = try site.dimension(
        try site.attributes.integer("axis", default: 0), ofRank: constant.rank)
      var start = 0
      try site.importer.spend(constant.count)
      return try splitSizes(site, of: constant.extents[dimension]).map { size in
        defer { start += size }
        return constant.taking(Array(start..<start + size), dimension: dimension)
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
  fileprivate func reshaped(pattern: [Int], allowsZero: Bool) throws(ConvoyError) -> ConstantTensor
  {
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
  fileprivate func walked(_ extents: [Int], strides: [Int], source: String?) -> ConstantTensor {
    func walk<Element>(_ elements: [Element]) -> [Element] {
      guard !extents.contains(0) else { return [] }
      var result: [Element] = []
      result.reserveCapacity(extents.reduce(1, *))
      func walk(_ dimension: Int, from start: Int) {
        guard dimension < extents.count else { return result.append(elements[start]) }
        for index in 0..<extents[dimension] {
          walk(dimension + 1, from: start + index * strides[dimension])
        }
      }
      walk(0, from: 0)
      return result
    }
    switch elements {
    case .floats(let floats):
      return ConstantTensor(extents, .floats(walk(floats)), source: source)
    case .integers(let integers):
      return ConstantTensor(extents, .integers(walk(integers)), source: source)
    }
  }

  /// The dimensions in another order.
  func transposed(_ permutation: [Int]) throws(ConvoyError) -> ConstantTensor {
    guard permutation.sorted() == Array(0..<rank) else {
      throw .refused("each of \(rank) dimensions once is expected, got \(permutation)")
    }
    let strides = strides
    return walked(
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
    return walked(extents, strides: strides, source: nil)
  }

  /// Some positions of a dimension.
  fileprivate func taking(_ positions: [Int], dimension: Int) -> ConstantTensor {
    let inner = extents[(dimension + 1)...].reduce(1, *)
    let outer = extents[..<dimension].reduce(1, *)
    var taken: [Int] = []
    for start in 0..<(count == 0 ? 0 : outer) {
      for position in positions {
        let first = (start * extents[dimension] + position) * inner
        taken += first..<first + inner
      }
    }
    var result = extents
    result[dimension] = positions.count
    return gathering(taken, result)
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

  fileprivate init(joining parts: [ConstantTensor], dimension: Int) throws(ConvoyError) {
    let first = parts[0]
    var extents = first.extents
    extents[dimension] = 0
    for part in parts {
      guard part.rank == first.rank,
        extents.indices.allSatisfy({ $0 == dimension || part.extents[$0] == extents[$0] })
      else { throw .refused("the shapes \(parts.map(\.extents)) cannot be joined") }
      extents[dimension] = try Checked.sum(extents[dimension], part.extents[dimension])
    }
    _ = try ConstantTensor.count(of: extents)
    func joined<Element>(_ elements: [[Element]]) -> [Element] {
      let outer = extents[..<dimension].reduce(1, *)
      guard extents.allSatisfy({ $0 > 0 }) else { return [] }
      let lengths = parts.map { $0.extents[dimension...].reduce(1, *) }
      var joined: [Element] = []
      for row in 0..<outer {
        for (part, length) in zip(elements, lengths) {
          joined += part[row * length..<(row + 1) * length]
        }
      }
      return joined
    }
    if case .floats = first.elements {
      self.init(
        extents, .floats(joined(try parts.map { part throws(ConvoyError) in try part.floats() })))
    } else {
      self.init(
        extents,
        .integers(joined(try parts.map { part throws(ConvoyError) in try part.integers() })))
    }
  }
}
