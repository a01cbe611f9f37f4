/// A type of number in a safetensors file.
enum ElementType: String, CaseIterable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case uint16 = "U16"
  case int16 = "I16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case uint32 = "U32"
  case int32 = "I32"
  case float32 = "F32"
  case uint64 = "U64"
  case int64 = "I64"
  case float64 = "F64"

  /// The size of one number, in bytes.
  var size: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    }
  }

  /// Converts little-endian numbers of this type to floats, rounding to nearest.
  ///
  /// - Precondition: `source` has exactly `size` bytes for each float of `destination`.
  func convert(
    _ source: UnsafeRawBufferPointer, into destination: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(source.count == destination.count * size)

    /// Applies a rule to each number's bits.
    func fill<Bits: FixedWidthInteger & BitwiseCopyable>(
      _ type: Bits.Type, _ value: (Bits) -> Float
    ) {
      for index in destination.indices {
        let offset = index * MemoryLayout<Bits>.size
        let bits = Bits(littleEndian: source.loadUnaligned(fromByteOffset: offset, as: Bits.self))
        destination.initializeElement(at: index, to: value(bits))
      }
    }

    switch self {
    case .bool: fill(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .uint8: fill(UInt8.self) { Float($0) }
    case .int8: fill(Int8.self) { Float($0) }
    case .uint16: fill(UInt16.self) { Float($0) }
    case .int16: fill(Int16.self) { Float($0) }
    case .float16: fill(UInt16.self) { Float(halfPrecision: $0) }
    case .bfloat16: fill(UInt16.self) { Float(upperHalf: $0) }
    case .uint32: fill(UInt32.self) { Float($0) }
    case .int32: fill(Int32.self) { Float($0) }
    case .float32: fill(UInt32.self) { Float(bitPattern: $0) }
    case .uint64: fill(UInt64.self) { Float($0) }
    case .int64: fill(Int64.self) { Float($0) }
    case .float64: fill(UInt64.self) { Float(Double(bitPattern: $0)) }
    }
  }
}
