import ConvoyTensors

// MARK: Import

extension Conversions {
  /// What is made of numbers that must be known: shapes follow from them.
  static let knownNumbers: [String: Importing] = [
    "EyeLike": diagonal,
    "NonZero": places,
    "Unique": unique,
  ]

  /// A matrix of a value's shape that is 1 on one of its diagonals.
  private static let diagonal: Importing = { site throws(ConvoyError) in
    let input = try site.input(0)
    let extents = input.extents
    guard extents.count == 2, extents[0] > 0, extents[1] > 0 else {
      throw .refused("a matrix is expected, got the shape \(extents)")
    }
    let diagonal = try site.attributes.integer("k", default: 0)
    let type = try site.attributes.has("dtype") ? site.typeAttribute("dtype") : input.type
    try site.importer.spend(try ConstantTensor.count(of: extents))
    let elements = (0..<extents[0]).flatMap { row in
      (0..<extents[1]).map { $0 - row == diagonal }
    }
    return [.constant(ConstantTensor(extents, elements).converted(to: type))]
  }

  /// The indices of all elements that are not 0, a row for each dimension.
  private static let places: Importing = { site throws(ConvoyError) in
    let constant = try site.constant(0)
    let extents = constant.rank == 0 ? [1] : constant.extents
    let isNotZero = try constant.converted(to: .bool).elements(as: Bool.self)
    let places = isNotZero.indices.filter { isNotZero[$0] }
    guard !places.isEmpty else {
      return [.constant(ConstantTensor(empty: [extents.count, 0], .int64))]
    }
    try site.importer.spend(try ConstantTensor.count(of: [extents.count, places.count]))
    var rows: [[Int]] = []
    var step = 1
    for extent in extents.reversed() {
      rows.append(places.map { $0 / step % extent })
      step *= extent
    }
    return [
      .constant(
        ConstantTensor([extents.count, places.count], integers: rows.reversed().flatMap { $0 }))
    ]
  }

  /// The different elements, or slices along an axis; where each is found first, which of them each
  /// is, and how often each is found.
  private static let unique: Importing = { site throws(ConvoyError) in
    var constant = try site.constant(0)
    var dimension = 0
    if site.attributes.has("axis") {
      let axis = try site.attributes.integer("axis", default: 0)
      dimension = try site.dimension(axis, ofRank: constant.rank)
    } else {
      constant = try constant.reshaped([constant.count])
    }
    guard constant.count > 0 else { throw .refused("it has no elements") }
    try site.importer.spend(constant.count)
    // Truth values are ordered as numbers.
    let numbers = constant.type == .bool ? constant.converted(to: .uint8) : constant
    let groups = try numbers.type.applyToNumber(
      Grouping(
        constant: numbers, dimension: dimension,
        isSorted: try site.attributes.flag("sorted", default: true))
    ).get()
    return try [
      constant.taking(groups.first, dimension: dimension),
      ConstantTensor(integers: groups.first),
      ConstantTensor(integers: groups.group),
      ConstantTensor(integers: groups.counts),
    ].map { Imported.constant($0) }
  }
}

/// Equal slices of a tensor along a dimension.
private struct Grouping: NumberFunction {
  /// What is found.
  struct Groups {
    /// For each group, its first position.
    var first: [Int] = []
    /// For each position, its group.
    var group: [Int] = []
    /// For each group, its number of positions.
    var counts: [Int] = []
  }

  let constant: ConstantTensor
  let dimension: Int
  /// Whether groups are ordered by their elements, not by their first positions.
  let isSorted: Bool

  func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Result<Groups, ConvoyError> {
    Result { () throws(ConvoyError) in
      let elements = try constant.elements(as: type)
      let extent = constant.extents[dimension]
      let inner = constant.extents[(dimension + 1)...].reduce(1, *)
      let slices = (0..<extent).map { position in
        stride(from: position * inner, to: elements.count, by: extent * inner).flatMap {
          elements[$0..<$0 + inner]
        }
      }
      var groups = Groups()
      var known: [[Number]: Int] = [:]
      for (position, slice) in slices.enumerated() {
        let group = known[slice] ?? groups.first.count
        if group == groups.first.count {
          known[slice] = group
          groups.first.append(position)
          groups.counts.append(0)
        }
        groups.group.append(group)
        groups.counts[group] += 1
      }
      guard isSorted else { return groups }
      let order = groups.first.indices.sorted {
        slices[groups.first[$0]].lexicographicallyPrecedes(slices[groups.first[$1]])
      }
      var ranks = order
      for (rank, group) in order.enumerated() { ranks[group] = rank }
      return Groups(
        first: order.map { groups.first[$0] }, group: groups.group.map { ranks[$0] },
        counts: order.map { groups.counts[$0] })
    }
  }
}
