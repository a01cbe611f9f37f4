public import ConvoyTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

// A graph as it is saved. Values are referred to by their position in the list of values; their type is
// written where it is not float32:
//
//     { "version": 1,
//       "values": [ { "name": "image", "shape": [1, 3, 32, 32], "origin": "input" },
//                   { "name": "conv1.weight", "shape": […], "origin": "parameter",
//                     "parameter": { "initializer": { "he": {} }, "isTrainable": true } },
//                   { "name": "scalar", "shape": [], "origin": "constant", "elements": [2] },
//                   { "name": "conv1", "shape": […], "origin": "computed" },
//                   { "name": "labels", "shape": [1], "type": "int32", "origin": "input" } ],
//       "nodes": [ { "name": "conv1", "operator": "convolution", "attributes": { … },
//                    "inputs": [0, 1], "outputs": [3] } ],
//       "inputs": [0],
//       "outputs": [ { "name": "scores", "value": 3 } ],
//       "updates": [ { "parameter": 1, "value": 7 } ] }

// MARK: - JSON

extension Graph {
  /// Reads a graph from the text that `json()` writes.
  ///
  /// The text need not be trusted: it is checked in full, and the memory used is proportional to
  /// its length.
  ///
  /// - Throws: `ConvoyError` with what is wrong, and where.
  public init(json: String) throws(ConvoyError) {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      self = try decoder.decode(Graph.self, from: Data(json.utf8))
    } catch let error as ConvoyError {
      throw error
    } catch let error as DecodingError {
      throw ConvoyError(.format, "The graph cannot be read: \(error.sentence)")
    } catch {
      throw ConvoyError(.format, "The graph cannot be read: \(error).")
    }
  }

  /// The graph as JSON text; the same graph always gives the same text.
  public func json() throws(ConvoyError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    } catch {
      throw ConvoyError(.format, "The graph cannot be written as JSON: \(error).")
    }
  }
}

extension DecodingError {
  /// What is wrong and where: `nodes[3].inputs: expected ….`
  fileprivate var sentence: String {
    let (context, text): (Context, String) =
      switch self {
      case .keyNotFound(let key, let context): (context, "\(key.stringValue) is missing")
      case .valueNotFound(_, let context): (context, "a value is missing")
      case .typeMismatch(let type, let context): (context, "expected \(type)")
      case .dataCorrupted(let context): (context, context.debugDescription)
      @unknown default: (Context(codingPath: [], debugDescription: ""), "\(self)")
      }
    let path = context.codingPath.reduce("") { path, key in
      key.intValue.map { "\(path)[\($0)]" }
        ?? (path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)")
    }
    let body = text.hasSuffix(".") ? text : text + "."
    return path.isEmpty ? body : "\(path): \(body)"
  }
}

// MARK: - Codable

extension Graph: Codable {
  private static let version = 1

  private enum Key: String, CodingKey {
    case version, values, nodes, inputs, outputs, updates
  }

  /// Writes the graph; see the top of this file for the form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(Graph.version, forKey: .version)
    try container.encode(values.map(ValueDocument.init), forKey: .values)
    try container.encode(nodes.map(NodeDocument.init), forKey: .nodes)
    try container.encode(inputs.map(\.index), forKey: .inputs)
    try container.encode(
      outputs.map { OutputDocument(name: $0.name, value: $0.value.index) }, forKey: .outputs)
    try container.encode(
      updates.map { UpdateDocument(parameter: $0.parameter.index, value: $0.value.index) },
      forKey: .updates)
  }

  /// Reads and verifies a graph.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let version = try container.decode(Int.self, forKey: .version)
    guard version == Graph.version else {
      throw ConvoyError(
        .format, "Expected a saved graph of version \(Graph.version), got version \(version).")
    }
    values = try container.decode([ValueDocument].self, forKey: .values).map { try $0.value() }
    let count = values.count
    nodes = try container.decode([NodeDocument].self, forKey: .nodes).map { document in
      Node(
        name: document.name, operation: document.operation,
        inputs: try document.inputs.map { try ValueID($0, of: count, in: document.name) },
        outputs: try document.outputs.map { try ValueID($0, of: count, in: document.name) })
    }
    inputs = try container.decode([Int].self, forKey: .inputs).map {
      try ValueID($0, of: count, in: "inputs")
    }
    outputs = try container.decode([OutputDocument].self, forKey: .outputs).map {
      ($0.name, try ValueID($0.value, of: count, in: "outputs"))
    }
    updates = try container.decode([UpdateDocument].self, forKey: .updates).map {
      Update(
        parameter: try ValueID($0.parameter, of: count, in: "updates"),
        value: try ValueID($0.value, of: count, in: "updates"))
    }
    try verify()
  }
}

extension ValueID {
  /// Reads an index into a list of values.
  fileprivate init(_ index: Int, of count: Int, in place: String) throws(ConvoyError) {
    guard (0..<count).contains(index) else {
      throw ConvoyError(
        .format, "\(place): expected the position of one of \(count) values, got \(index).")
    }
    self.init(index)
  }
}

// MARK: - Parts

private struct OutputDocument: Codable {
  let name: String
  let value: Int
}

private struct UpdateDocument: Codable {
  let parameter: Int
  let value: Int
}

/// A value in its saved form.
private struct ValueDocument: Codable {
  enum Origin: String, Codable {
    case input, parameter, constant, computed
  }

  let name: String
  let shape: Shape
  /// Nil is float32, which was the only type when version 1 began.
  var type: ElementType?
  let origin: Origin
  var parameter: Parameter?
  /// A constant's elements.
  var constant: Tensor?

  enum Key: String, CodingKey {
    case name, shape, type, origin, parameter, elements
  }

  init(_ info: Graph.ValueInfo) {
    name = info.name
    shape = info.shape
    type = info.type == .float32 ? nil : info.type
    switch info.origin {
    case .input: origin = .input
    case .computed: origin = .computed
    case .parameter(let parameter):
      origin = .parameter
      self.parameter = parameter
    case .constant(let tensor):
      origin = .constant
      constant = tensor
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try container.encode(shape, forKey: .shape)
    try container.encodeIfPresent(type, forKey: .type)
    try container.encode(origin, forKey: .origin)
    try container.encodeIfPresent(parameter, forKey: .parameter)
    if let constant { try container.encode(elementsOf: constant, forKey: .elements) }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    name = try container.decode(String.self, forKey: .name)
    shape = try container.decode(Shape.self, forKey: .shape)
    type = try container.decodeIfPresent(ElementType.self, forKey: .type)
    origin = try container.decode(Origin.self, forKey: .origin)
    parameter = try container.decodeIfPresent(Parameter.self, forKey: .parameter)
    guard origin == .constant, container.contains(.elements) else { return }
    do {
      constant = try container.decodeTensor(shape, type ?? .float32, forKey: .elements)
    } catch let error as ConvoyError {
      throw error.at(name)
    }
  }

  func value() throws(ConvoyError) -> Graph.ValueInfo {
    let origin: Graph.Origin
    switch self.origin {
    case .input: origin = .input
    case .computed: origin = .computed
    case .parameter:
      guard let parameter else {
        throw ConvoyError(.format, "\(name): expected a parameter's initializer.")
      }
      origin = .parameter(parameter)
    case .constant:
      guard let constant else {
        throw ConvoyError(.format, "\(name): expected a constant's elements.")
      }
      origin = .constant(constant)
    }
    return Graph.ValueInfo(
      name: name, shape: shape, type: type ?? .float32, origin: origin)
  }
}

// The elements of a tensor in their saved form: numbers, or true and false. Half-precision
// elements, which are floats too, are written as numbers.

extension KeyedEncodingContainer {
  fileprivate mutating func encode(elementsOf tensor: Tensor, forKey key: Key) throws {
    switch tensor.type {
    case .float32: try encode(tensor.elements, forKey: key)
    case .float16, .bfloat16: try encode(tensor.converted(to: .float32).elements, forKey: key)
    case .float64: try encode(tensor.elements(as: Double.self), forKey: key)
    case .int8: try encode(tensor.elements(as: Int8.self), forKey: key)
    case .uint8: try encode(tensor.elements(as: UInt8.self), forKey: key)
    case .int16: try encode(tensor.elements(as: Int16.self), forKey: key)
    case .uint16: try encode(tensor.elements(as: UInt16.self), forKey: key)
    case .int32: try encode(tensor.elements(as: Int32.self), forKey: key)
    case .uint32: try encode(tensor.elements(as: UInt32.self), forKey: key)
    case .int64: try encode(tensor.elements(as: Int64.self), forKey: key)
    case .uint64: try encode(tensor.elements(as: UInt64.self), forKey: key)
    case .bool: try encode(tensor.elements(as: Bool.self), forKey: key)
    }
  }
}

extension KeyedDecodingContainer {
  fileprivate func decodeTensor(
    _ shape: Shape, _ type: ElementType, forKey key: Key
  ) throws -> Tensor {
    func decode<Element: TensorElement & Decodable>(_: Element.Type) throws -> Tensor {
      try Tensor(shape, elements: self.decode([Element].self, forKey: key))
    }
    return switch type {
    case .float32: try decode(Float.self)
    case .float16, .bfloat16: try decode(Float.self).converted(to: type)
    case .float64: try decode(Double.self)
    case .int8: try decode(Int8.self)
    case .uint8: try decode(UInt8.self)
    case .int16: try decode(Int16.self)
    case .uint16: try decode(UInt16.self)
    case .int32: try decode(Int32.self)
    case .uint32: try decode(UInt32.self)
    case .int64: try decode(Int64.self)
    case .uint64: try decode(UInt64.self)
    case .bool: try decode(Bool.self)
    }
  }
}

/// A node in its saved form: the operator's name, and its attributes in their own coding.
private struct NodeDocument: Codable {
  let name: String
  let operation: any Operator
  let inputs: [Int]
  let outputs: [Int]

  enum Key: String, CodingKey {
    case name, operation = "operator", attributes, inputs, outputs
  }

  init(_ node: Graph.Node) {
    name = node.name
    operation = node.operation
    inputs = node.inputs.map(\.index)
    outputs = node.outputs.map(\.index)
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    try container.encode(type(of: operation).name, forKey: .operation)
    try container.encode(operation, forKey: .attributes)
    try container.encode(inputs, forKey: .inputs)
    try container.encode(outputs, forKey: .outputs)
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    name = try container.decode(String.self, forKey: .name)
    inputs = try container.decode([Int].self, forKey: .inputs)
    outputs = try container.decode([Int].self, forKey: .outputs)
    let kind = try container.decode(String.self, forKey: .operation)
    guard let type = Operators.named(kind) else {
      throw ConvoyError(
        .format,
        "\(name): no operator is called \(kind); the graph may come from a newer version.")
    }
    operation = try container.decode(type, forKey: .attributes)
  }
}
