import ConvoyTensors

/// A node's attributes by name, each read as the type it is expected to have.
struct Attributes {
  private var byName: [String: Onnx_AttributeProto] = [:]

  init(_ node: Onnx_NodeProto) {
    for attribute in node.attribute where byName[attribute.name] == nil {
      byName[attribute.name] = attribute
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

  func strings(_ name: String) throws(ConvoyError) -> [String]? {
    try read(name, .strings) { $0.strings.map { String(decoding: $0, as: UTF8.self) } }
  }

  func string(_ name: String, default missing: String) throws(ConvoyError) -> String {
    try read(name, .string) { String(decoding: $0.s, as: UTF8.self) } ?? missing
  }

  func tensor(_ name: String) throws(ConvoyError) -> Onnx_TensorProto? {
    try read(name, .tensor) { $0.t }
  }

  private func read<Result>(
    _ name: String, _ type: Onnx_AttributeProto.AttributeType,
    _ body: (Onnx_AttributeProto) -> Result
  ) throws(ConvoyError) -> Result? {
    guard let attribute = byName[name] else { return nil }
    guard attribute.type == type, !attribute.hasRefAttrName else {
      throw .refused("its attribute \(name) is not of the type expected")
    }
    return body(attribute)
  }
}
