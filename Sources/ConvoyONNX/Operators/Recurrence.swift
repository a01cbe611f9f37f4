import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let recurrences: [String: Importing] = [
    "LSTM": { site throws(ConvoyError) in try recurrent(site, .lstm) },
    "GRU": { site throws(ConvoyError) in try recurrent(site, .gru) },
    "RNN": { site throws(ConvoyError) in try recurrent(site, .plain) },
  ]

  private static func recurrent(
    _ site: ImportSite, _ cell: Recurrence.Cell
  ) throws(ConvoyError) -> [Imported] {
    let layer = try RecurrentLayer(site, cell)
    return try layer.outputs().map { .computed($0) }
  }
}

/// A recurrent layer of a model, in one direction or two.
private struct RecurrentLayer {
  private let site: ImportSite
  private let cell: Recurrence.Cell
  private let directions: [Bool]
  private let hasBatchFirst: Bool
  /// [T, B, I].
  private let input: Value
  private let hidden: Int

  init(_ site: ImportSite, _ cell: Recurrence.Cell) throws(ConvoyError) {
    self.site = site
    self.cell = cell
    hasBatchFirst = try site.attributes.integer("layout", default: 0) == 1
    let given = try site.value(0)
    guard given.shape.rank == 3 else {
      throw .refused("sequences of vectors are expected, got the shape \(given.shape)")
    }
    input = hasBatchFirst ? given.transposed([1, 0, 2]) : given
    switch try site.attributes.string("direction", default: "forward") {
    case "forward": directions = [false]
    case "reverse": directions = [true]
    case "bidirectional": directions = [false, true]
    case let other: throw .refused("the direction ‘\(other)’ is not known")
    }
    let extents = try site.input(2).extents
    guard extents.count == 3, extents[0] == directions.count else {
      throw .refused("recurrent weights of \(directions.count) directions are expected")
    }
    hidden = extents[2]
  }

  /// The hidden numbers after each step and after the last, and an LSTM's cells after the last.
  func outputs() throws(ConvoyError) -> [Value] {
    var all: [[Value]] = []
    for index in directions.indices { all.append(try direction(index)) }
    let (steps, batch) = (input.shape[0], input.shape[1])
    func stacked(_ part: Int, _ shape: [Int], along dimension: Int) -> Value {
      let parts = all.map { $0[part].reshaped(shape) }
      return parts.count == 1
        ? parts[0] : site.builder.apply(Concatenation(dimension: dimension), to: parts)[0]
    }
    // The direction is a dimension after the steps, and after the batch where that comes first.
    if hasBatchFirst {
      var results = [
        stacked(0, [steps, batch, 1, hidden], along: 2).transposed([1, 0, 2, 3]),
        stacked(1, [batch, 1, hidden], along: 1),
      ]
      if cell == .lstm { results.append(stacked(2, [batch, 1, hidden], along: 1)) }
      return results
    }
    var results = [
      stacked(0, [steps, 1, batch, hidden], along: 1), stacked(1, [1, batch, hidden], along: 0),
    ]
    if cell == .lstm { results.append(stacked(2, [1, batch, hidden], along: 0)) }
    return results
  }

  private func direction(_ index: Int) throws(ConvoyError) -> [Value] {
    let (steps, batch) = (input.shape[0], input.shape[1])
    let width = cell.gates * hidden
    let isLinear = try site.attributes.flag("linear_before_reset")
    let resets = cell == .gru && isLinear
    let weights = try part(1, index, of: 3).reshaped([width, -1])
    var gates = input.reshaped([steps * batch, -1]).applying(Linear(), [weights])
    var bias = zeros([hidden])
    if site.has(3) {
      let both = try part(3, index, of: 2).reshaped([2, width])
      let (own, recurrent) = (row(0, of: both), row(1, of: both))
      // All recurrent biases are added before, but for one that the reset gate multiplies.
      if resets {
        let others = recurrent.applying(AxisSlice(dimension: 0, start: 0, end: 2 * hidden))
        bias = recurrent.applying(AxisSlice(dimension: 0, start: 2 * hidden, end: width))
        let spread = site.builder.apply(
          Concatenation(dimension: 0), to: [others, zeros([hidden])])[0]
        gates = gates + (own + spread)
      } else {
        gates = gates + (own + recurrent)
      }
    }
    let peepholes =
      try cell == .lstm && site.has(7)
      ? part(7, index, of: 2).reshaped([3, hidden]) : zeros([3, hidden])
    let inputs = [
      gates.reshaped([steps, batch, width]), try part(2, index, of: 3).reshaped([width, hidden]),
      bias, peepholes, try start(5, index),
      try cell == .lstm ? start(6, index) : zeros([batch, hidden]),
      try lengths(),
    ]
    let clip = try site.attributes.float("clip", default: 0)
    return site.builder.apply(
      Recurrence(
        cell, functions: try functions(index), isReversed: directions[index],
        clip: clip > 0 ? clip : nil, couplesGates: try site.attributes.flag("input_forget"),
        resetsAfterProduct: resets), to: inputs, name: site.name, outputCount: 3)
  }

  /// An input's part for a direction.
  private func part(_ input: Int, _ direction: Int, of rank: Int) throws(ConvoyError) -> Value {
    let value = try site.value(input)
    guard value.shape.rank == rank, value.shape[0] == directions.count else {
      throw .refused("its input \(input + 1) has the shape \(value.shape)")
    }
    return row(direction, of: value)
  }

  private func row(_ index: Int, of value: Value) -> Value {
    let row = value.applying(AxisSlice(dimension: 0, start: index, end: index + 1))
    return row.reshaped(Array(value.shape.dimensions.dropFirst()))
  }

  private func zeros(_ shape: Shape) -> Value { site.builder.constant(Tensor(shape)) }

  /// What a direction begins with.
  private func start(_ input: Int, _ direction: Int) throws(ConvoyError) -> Value {
    let batch = self.input.shape[1]
    guard site.has(input) else { return zeros([batch, hidden]) }
    let value = try site.value(input)
    let ordered = hasBatchFirst ? value.transposed([1, 0, 2]) : value
    return row(direction, of: ordered)
  }

  private func lengths() throws(ConvoyError) -> Value {
    let (steps, batch) = (input.shape[0], input.shape[1])
    if site.has(4) { return try site.value(4).cast(to: .int64) }
    return site.builder.constant(
      try Tensor([batch], elements: Array(repeating: Int64(steps), count: batch)))
  }

  private func functions(_ direction: Int) throws(ConvoyError) -> [ScalarFunction] {
    let count = cell.functionCount
    let standard: [String] =
      switch cell {
      case .lstm: ["Sigmoid", "Tanh", "Tanh"]
      case .gru: ["Sigmoid", "Tanh"]
      case .plain: ["Tanh"]
      }
    let given = try site.attributes.strings("activations") ?? []
    let names =
      given.isEmpty ? Array(repeating: standard, count: directions.count).flatMap(\.self) : given
    guard names.count == count * directions.count else {
      throw .refused("\(count) activations for each direction are expected, got \(names.count)")
    }
    // Each function takes as many of these numbers as it has parameters.
    var alphas = try site.attributes.floats("activation_alpha") ?? []
    var betas = try site.attributes.floats("activation_beta") ?? []
    func next(_ numbers: inout [Float], else standard: Float) -> Float {
      numbers.isEmpty ? standard : numbers.removeFirst()
    }
    var functions: [ScalarFunction] = []
    for name in names {
      switch name.lowercased() {
      case "sigmoid": functions.append(.sigmoid)
      case "tanh": functions.append(.tanh)
      case "relu": functions.append(.relu)
      case "softsign": functions.append(.softsign)
      case "softplus": functions.append(.softplus)
      case "leakyrelu": functions.append(.leakyReLU(slope: next(&alphas, else: 0.01)))
      case "elu": functions.append(.elu(alpha: next(&alphas, else: 1)))
      case "affine":
        functions.append(.affine(scale: next(&alphas, else: 1), offset: next(&betas, else: 0)))
      case "hardsigmoid":
        functions.append(
          .hardSigmoid(slope: next(&alphas, else: 0.2), offset: next(&betas, else: 0.5)))
      default: throw .refused("the activation \(name) is not supported")
      }
    }
    return Array(functions[direction * count..<(direction + 1) * count])
  }
}
