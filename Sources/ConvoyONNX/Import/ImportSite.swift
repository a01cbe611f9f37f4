import ConvoyGraphs
import ConvoyTensors

/// A node that is being imported: its attributes, what is known of its inputs, and where to build.
struct ImportSite {
  let importer: Importer
  /// The names that the node can read.
  let scope: Scope
  /// The node's name, or that of its first output.
  let name: String
  /// The operator's name, after that of its domain unless this is the standard's: `com.microsoft.Gelu`.
  let type: String
  /// The operator's domain; empty for the standard's.
  let domain: String
  let attributes: Attributes
  /// What it reads; nil for an optional input that is left out.
  let inputs: [Imported?]
  /// Which inputs nothing else reads.
  let isSoleReader: [Bool]
  /// The names of what it makes; empty for an optional output that is left out.
  let outputs: [String]

  /// How many outputs it has.
  var outputCount: Int { outputs.count }
  /// The version of the operators' set.
  var opset: Int { scope.opsets[domain] ?? 1 }
  var builder: GraphBuilder { importer.builder }

  // MARK: Inputs

  func has(_ index: Int) -> Bool { index < inputs.count && inputs[index] != nil }

  /// Whether something reads an output.
  func isRead(output index: Int) -> Bool {
    index < outputs.count && scope.readerCount(outputs[index]) > 0
  }

  func input(_ index: Int) throws(ConvoyError) -> Imported {
    guard index < inputs.count, let input = inputs[index] else {
      throw .refused("at least \(index + 1) inputs are expected")
    }
    return input
  }

  /// An input to build on; constants become constants of the graph.
  func value(_ index: Int) throws(ConvoyError) -> Value { try importer.built(input(index)) }

  /// All inputs to build on.
  func values() throws(ConvoyError) -> [Value] { try inputs.indices.map(value) }

  /// An input that is known while importing; nil if it is computed or left out.
  func knownConstant(_ index: Int) -> ConstantTensor? {
    guard has(index), case .constant(let constant)? = inputs[index] else { return nil }
    return constant
  }

  /// An input that must be known while importing.
  ///
  /// - Throws: a refusal where it follows from inputs of the model that are not known. They are noted, and
  ///   the model is read again if their numbers are given.
  func constant(_ index: Int) throws(ConvoyError) -> ConstantTensor {
    try importer.constant(of: input(index), as: "its input \(index + 1)")
  }

  /// All inputs, which must be known while importing.
  func constants() throws(ConvoyError) -> [ConstantTensor] { try inputs.indices.map(constant) }

  /// The whole numbers of an input, or nil if it is left out.
  func integers(_ index: Int) throws(ConvoyError) -> [Int]? {
    try has(index) ? constant(index).integers() : nil
  }

  /// The number of an input of one element, or nil if it is left out.
  func scalar(_ index: Int) throws(ConvoyError) -> Float? {
    guard has(index) else { return nil }
    guard let scalar = try constant(index).scalar else {
      throw .refused("its input \(index + 1) must be a single float")
    }
    return scalar
  }

  /// An input as weights: a parameter under the initialiser's name.
  ///
  /// - Parameters:
  ///   - extents: the shape it is needed in; its own, unless given.
  ///   - change: what is done to its numbers first.
  func parameter(
    _ index: Int, as extents: [Int]? = nil, isTrainable: Bool = true,
    changed change: ((ConstantTensor) throws(ConvoyError) -> ConstantTensor)? = nil
  ) throws(ConvoyError) -> Value {
    switch try input(index) {
    case .computed(let value):
      guard change == nil else {
        throw .refused("its input \(index + 1) must be known while reading")
      }
      return extents.map { value.reshaped($0) } ?? value
    case .constant(var constant):
      if let change { constant = try change(constant) }
      if let extents { constant = try constant.reshaped(extents) }
      return try importer.parameter(constant, isTrainable: isTrainable)
    }
  }

  /// An input as a row of weights, one a channel, that broadcasts over an image's.
  func channelParameter(_ index: Int, ofRank rank: Int) throws(ConvoyError) -> Value {
    let count = try ConstantTensor.count(of: input(index).extents)
    return try parameter(
      index, as: [1, count] + Array(repeating: 1, count: max(rank - 2, 0)))
  }

  /// A dimension counted from the end where it is negative.
  func dimension(_ axis: Int, ofRank rank: Int) throws(ConvoyError) -> Int {
    guard (-rank..<rank).contains(axis) else {
      throw .refused("an axis of \(rank) dimensions is expected, got \(axis)")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Different dimensions, ascending.
  func dimensions(_ axes: [Int], ofRank rank: Int) throws(ConvoyError) -> [Int] {
    let dimensions = Set(
      try axes.map { axis throws(ConvoyError) in try dimension(axis, ofRank: rank) })
    guard dimensions.count == axes.count else {
      throw .refused("different axes are expected, got \(axes)")
    }
    return dimensions.sorted()
  }

  // MARK: Building

  /// Applies an operator of one output under the node's name.
  func apply(_ operation: some Operator, _ inputs: [Value]) -> Value {
    builder.apply(operation, to: inputs, name: name)[0]
  }

  /// Applies an operator of several outputs under the node's name.
  func apply(_ operation: some Operator, _ inputs: [Value], outputCount: Int) -> [Value] {
    builder.apply(operation, to: inputs, name: name, outputCount: outputCount)
  }

  /// Gives a value another shape.
  ///
  /// - Parameter pattern: extents, 0 to copy one and −1 to infer one.
  func reshape(_ value: Value, _ pattern: [Int]) -> Value { apply(Reshape(pattern), [value]) }

  /// What made a value, if a node did.
  func maker(of value: Value) -> Graph.Node? { importer.maker(of: value) }
}
