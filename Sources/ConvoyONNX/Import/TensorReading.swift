import ConvoyFormats
import ConvoyTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A type of number in an ONNX tensor.
enum ElementType {
  case float, double, float16, bfloat16
  case bool, int8, uint8, int16, uint16, int32, uint32, int64, uint64

  init(_ code: Int32) throws {
    guard let type = TensorProto.DataType(rawValue: code) else {
      throw Refusal("its element type \(code) is not known")
    }
    switch type {
    case .float: self = .float
    case .double: self = .double
    case .float16: self = .float16
    case .bfloat16: self = .bfloat16
    case .bool: self = .bool
    case .int8: self = .int8
    case .uint8: self = .uint8
    case .int16: self = .int16
    case .uint16: self = .uint16
    case .int32: self = .int32
    case .uint32: self = .uint32
    case .int64: self = .int64
    case .uint64: self = .uint64
    case .undefined, .string, .complex64, .complex128:
      throw Refusal("its element type is \(type), but numbers are expected")
    }
  }

  /// Whether its numbers become floats; all others become integers.
  var isFloating: Bool {
    switch self {
    case .float, .double, .float16, .bfloat16: true
    default: false
    }
  }

  /// The size of one number, in bytes.
  var size: Int {
    switch self {
    case .bool, .int8, .uint8: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float, .int32, .uint32: 4
    case .double, .int64, .uint64: 8
    }
  }

  /// Reads little-endian numbers, rounding to nearest.
  ///
  /// - Precondition: there are bytes for all of them.
  func elements(_ count: Int, from bytes: UnsafeRawBufferPointer) -> ConstantTensor.Elements {
    func map<Bits: FixedWidthInteger & BitwiseCopyable, Result>(
      _ type: Bits.Type, _ value: (Bits) -> Result
    ) -> [Result] {
      (0..<count).map {
        let offset = $0 * MemoryLayout<Bits>.size
        return value(Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type)))
      }
    }
    return switch self {
    case .float: .floats(map(UInt32.self) { Float(bitPattern: $0) })
    case .double: .floats(map(UInt64.self) { Float(Double(bitPattern: $0)) })
    case .float16: .floats(map(UInt16.self) { Float(halfPrecision: $0) })
    case .bfloat16: .floats(map(UInt16.self) { Float(upperHalf: $0) })
    case .bool: .integers(map(UInt8.self) { $0 == 0 ? 0 : 1 })
    case .int8: .integers(map(Int8.self) { Int($0) })
    case .uint8: .integers(map(UInt8.self) { Int($0) })
    case .int16: .integers(map(Int16.self) { Int($0) })
    case .uint16: .integers(map(UInt16.self) { Int($0) })
    case .int32: .integers(map(Int32.self) { Int($0) })
    case .uint32: .integers(map(UInt32.self) { Int($0) })
    case .int64: .integers(map(Int64.self) { Int($0) })
    case .uint64: .integers(map(UInt64.self) { Int(clamping: $0) })
    }
  }
}

extension ConstantTensor {
  /// Reads a tensor of a model.
  ///
  /// - Parameters:
  ///   - externalData: where numbers kept outside the model are; nil if nowhere.
  ///   - data: where the tensor's bytes are, if they were not read with it.
  init(
    _ tensor: TensorProto, source: String? = nil, externalData: ExternalData?,
    data: DataInFile? = nil
  ) throws {
    let extents = tensor.dims.map { Int($0) }
    let count = try ConstantTensor.count(of: extents)
    let type = try ElementType(tensor.dataType)
    var data = data
    if tensor.dataLocation == .external {
      guard let externalData else {
        throw Refusal("its numbers are kept in another file, and no folder is known")
      }
      data = try externalData.find(tensor.externalData, byteCount: count * type.size)
    }
    if tensor.$rawData != nil || data != nil {
      let byteCount = data?.part.count ?? tensor.rawData.count
      guard byteCount == count * type.size else {
        throw Refusal("its shape \(extents) takes \(count * type.size) bytes, got \(byteCount)")
      }
    }
    if let data {
      self = try data.numbers(extents, type, source: source)
      return
    }
    let elements =
      tensor.$rawData != nil
      ? tensor.rawData.withUnsafeBytes { type.elements(count, from: $0) }
      : ConstantTensor.typedElements(tensor, type)
    guard elements.count == count else {
      throw Refusal("its shape \(extents) has \(count) elements, got \(elements.count)")
    }
    self.init(extents, elements, source: source)
  }

  /// The numbers in the field for a type; half precision is kept as bits in 32-bit integers.
  private static func typedElements(_ tensor: TensorProto, _ type: ElementType) -> Elements {
    switch type {
    case .float: .floats(tensor.floatData)
    case .double: .floats(tensor.doubleData.map { Float($0) })
    case .float16:
      .floats(tensor.int32Data.map { Float(halfPrecision: UInt16(truncatingIfNeeded: $0)) })
    case .bfloat16:
      .floats(tensor.int32Data.map { Float(upperHalf: UInt16(truncatingIfNeeded: $0)) })
    case .bool, .int8, .uint8, .int16, .uint16, .int32:
      .integers(tensor.int32Data.map { Int($0) })
    case .int64: .integers(tensor.int64Data.map { Int($0) })
    case .uint32, .uint64: .integers(tensor.uint64Data.map { Int(clamping: $0) })
    }
  }
}
