import ConvoyTensors

/// A node's attributes by name, each read as the type it is expected to have.
struct Attributes {
  private var byName: [String: Onnx_AttributeProto] = [:]

  /// - Parameter scope: whose function's attributes the node's may refer to.
  init(_ node: Onnx_NodeProto, in scope: Scope) {
    for attribute in node.attribute where byName[attribute.name] == nil {
      if !attribute.hasRefAttrName {
        byName[attribute.name] = attribute
      } else if var given = scope.attributes[attribute.refAttrName] {
        given.name = attribute.name
        byName[attribute.name] = given
      }
    }
  }

  func has(_ name: String) -> Bool { byName[name] != nil }

  func integer(_ name: String, default missing: Int) throws(ConvoyError) -> Int {
    try read(name, .int) { Int($0.i) } ?? missing
  }

  func float(_ name: String, default missing: Float) throws(ConvoyError) -> Float {
    try read(name, .float) { $0.f } ?? missing
  }

  func flag(_ name: String, default missing: Bool = false) throws(ConvoyError) -> Bool {
    try integer(name, default: missing ? 1 : 0) != 0
  }

  func integers(_ name: String) throws(ConvoyError) -> [Int]? {
    try read(name, .ints) { $0.ints.map { Int($0) } }
  }

  func floats(_ name: String) throws(ConvoyError) -> [Float]? {
    try read(name, .floats) { $0.floats }
  }

  func string(_ name: String, default missing: String) throws(ConvoyError) -> String {
    try read(name, .string) { String(decoding: $0.s, as: UTF8.self) } ?? missing
  }

  func strings(_ name: String) throws(ConvoyError) -> [String]? {
    try read(name, .strings) { $0.strings.map { String(decoding: $0, as: UTF8.self) } }
  }

  func tensor(_ name: String) throws(ConvoyError) -> Onnx_TensorProto? {
    try read(name, .tensor) { $0.t }
  }

  /// A graph that a node of control flow runs.
  func graph(_ name: String) throws(ConvoyError) -> Onnx_GraphProto {
    guard let graph = try read(name, .graph, { $0.g }) else {
      throw .refused("a graph \(name) is expected")
    }
    return graph
  }

  /// All of them, as a function sees those of its call.
  var all: [String: Onnx_AttributeProto] { byName }

  private func read<Result>(
    _ name: String, _ type: Onnx_AttributeProto.AttributeType,
    _ body: (Onnx_AttributeProto) -> Result
  ) throws(ConvoyError) -> Result? {
    guard let attribute = byName[name] else { return nil }
    // The first version of the format had no types of attributes.
    guard attribute.type == type || attribute.type == .undefined else {
      throw .refused("its attribute \(name) is not of the type expected")
    }
    return body(attribute)
  }
}
