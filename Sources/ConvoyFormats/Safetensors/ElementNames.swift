import ConvoyTensors

extension ElementType {
  /// How safetensors files spell the type.
  var safetensorsName: String {
    switch self {
    case .bool: "BOOL"
    case .uint8: "U8"
    case .int8: "I8"
    case .uint16: "U16"
    case .int16: "I16"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .uint32: "U32"
    case .int32: "I32"
    case .float32: "F32"
    case .uint64: "U64"
    case .int64: "I64"
    case .float64: "F64"
    }
  }

  /// The type that safetensors files spell so, or nil.
  init?(safetensorsName name: String) {
    guard let type = ElementType.allCases.first(where: { $0.safetensorsName == name }) else {
      return nil
    }
    self = type
  }
}
