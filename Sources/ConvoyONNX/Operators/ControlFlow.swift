import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  /// Branches and loops, which are unrolled: conditions and trip counts must be known while reading.
  static let controlFlow: [String: Importing] = [
    "If": branch,
    "Loop": loop,
    "Scan": scan,
  ]

  private static func branch(_ site: ImportSite) throws(ConvoyError) -> [Imported] {
    guard let holds = try site.constant(0).integers().first else {
      throw .refused("a condition is expected")
    }
    let graph = try site.attributes.graph(holds != 0 ? "then_branch" : "else_branch")
    return try site.importer.run(graph, [], at: site)
  }

  /// The body takes the iteration's number, the condition and what the iteration before made; it makes the
  /// condition, what the next iteration takes, and the elements of results.
  private static func loop(_ site: ImportSite) throws(ConvoyError) -> [Imported] {
    let body = try site.attributes.graph("body")
    let trips = try site.integers(0)?.first ?? .max
    var goesOn = try site.integers(1)?.first ?? 1
    var carried = try (2..<max(2, site.inputs.count)).map(site.input)
    let resultCount = body.output.count - 1 - carried.count
    guard body.input.count == 2 + carried.count, resultCount >= 0 else {
      throw .refused("its body does not take what it makes")
    }
    var results = Array(repeating: [Imported](), count: resultCount)
    var trip = 0
    while trip < trips, goesOn != 0 {
      let number = ConstantTensor([], integers: [trip])
      let condition = ConstantTensor([], [true])
      let made = try site.importer.run(
        body, [.constant(number), .constant(condition)] + carried, at: site)
      goesOn = try site.importer.constant(of: made[0], as: "its condition").integers().first ?? 0
      carried = Array(made[1..<1 + carried.count])
      for index in results.indices { results[index].append(made[1 + carried.count + index]) }
      trip += 1
    }
    let declared = body.output.suffix(resultCount).map(ONNXModel.Declaration.init)
    return try carried
      + zip(results, declared).map { parts, declaration throws(ConvoyError) in
        try site.stacked(parts, declaration, dimension: 0)
      }
  }

  /// The body takes the states, and an element each of the other inputs; it makes the states and elements of
  /// results.
  private static func scan(_ site: ImportSite) throws(ConvoyError) -> [Imported] {
    guard site.opset >= 9 else { throw .refused("version 8 of it is not supported") }
    let body = try site.attributes.graph("body")
    let scannedCount = try site.attributes.integer("num_scan_inputs", default: 0)
    let stateCount = site.inputs.count - scannedCount
    guard scannedCount >= 1, stateCount >= 0, body.output.count >= stateCount else {
      throw .refused("a num_scan_inputs of 1 to \(site.inputs.count) is expected")
    }
    let resultCount = body.output.count - stateCount
    func numbers(_ name: String, _ count: Int) throws(ConvoyError) -> [Int] {
      let numbers = try site.attributes.integers(name) ?? Array(repeating: 0, count: count)
      guard numbers.count == count else { throw .refused("\(count) \(name) are expected") }
      return numbers
    }
    var states = try (0..<stateCount).map(site.input)
    let scanned = try (stateCount..<site.inputs.count).map(site.input)
    let axes = try zip(scanned, numbers("scan_input_axes", scannedCount)).map {
      input, axis throws(ConvoyError) in
      try site.dimension(axis, ofRank: input.extents.count)
    }
    let isBackward = try numbers("scan_input_directions", scannedCount)
    let trips = scanned[0].extents[axes[0]]
    guard zip(scanned, axes).allSatisfy({ $0.extents[$1] == trips }) else {
      throw .refused("its inputs have different lengths")
    }
    var results = Array(repeating: [Imported](), count: resultCount)
    for trip in 0..<trips {
      let elements = try scanned.indices.map { index throws(ConvoyError) in
        try site.element(
          isBackward[index] != 0 ? trips - 1 - trip : trip, of: scanned[index],
          dimension: axes[index])
      }
      let made = try site.importer.run(body, states + elements, at: site)
      states = Array(made.prefix(stateCount))
      for index in results.indices { results[index].append(made[stateCount + index]) }
    }
    let isPrepended = try numbers("scan_output_directions", resultCount)
    let outputAxes = try numbers("scan_output_axes", resultCount)
    let declared = body.output.suffix(resultCount).map(ONNXModel.Declaration.init)
    return try states
      + results.indices.map { index throws(ConvoyError) in
        let parts = isPrepended[index] != 0 ? results[index].reversed() : results[index]
        let rank = (parts.first?.extents.count ?? 0) + 1
        return try site.stacked(
          parts, declared[index], dimension: site.dimension(outputAxes[index], ofRank: rank))
      }
  }
}

extension ImportSite {
  /// Tensors of one shape, along a dimension that they do not have.
  ///
  /// - Parameter declaration: what is known of each, if there are none.
  fileprivate func stacked(
    _ parts: [Imported], _ declaration: ONNXModel.Declaration, dimension: Int
  ) throws(ConvoyError) -> Imported {
    guard let first = parts.first else {
      let extents = declaration.extents?.compactMap { extent in
        if case .fixed(let extent) = extent { extent } else { nil }
      }
      guard let extents, extents.count == declaration.extents?.count, let type = declaration.type
      else { throw .refused("it makes nothing, of a shape that is not known") }
      return .constant(ConstantTensor(empty: [0] + extents, type))
    }
    guard parts.allSatisfy({ $0.extents == first.extents }) else {
      throw .refused("what its iterations make has different shapes")
    }
    var extents = first.extents
    extents.insert(1, at: dimension)
    let constants = parts.compactMap { part in
      if case .constant(let constant) = part { constant } else { nil }
    }
    if constants.count == parts.count {
      let rows = try constants.map { constant throws(ConvoyError) in try constant.reshaped(extents)
      }
      try importer.spend(rows.reduce(0) { $0 + $1.count })
      return .constant(try ConstantTensor(joining: rows, dimension: dimension))
    }
    let rows = try parts.map { part throws(ConvoyError) in
      try importer.built(part).reshaped(extents)
    }
    return .computed(
      rows.count == 1 ? rows[0] : apply(Concatenation(dimension: dimension), rows))
  }

  /// A position of a dimension, without the dimension.
  fileprivate func element(
    _ position: Int, of input: Imported, dimension: Int
  ) throws(ConvoyError) -> Imported {
    var extents = input.extents
    extents.remove(at: dimension)
    switch input {
    case .constant(let constant):
      return .constant(try constant.taking([position], dimension: dimension).reshaped(extents))
    case .computed(let value):
      return .computed(
        value.sliced(position..<position + 1, dimension: dimension).reshaped(extents))
    }
  }
}
