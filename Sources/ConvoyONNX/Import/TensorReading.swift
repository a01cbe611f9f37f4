import ConvoyFormats
import ConvoyTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension ElementType {
  /// The type of a code in an ONNX model.
  init(onnxCode code: Int32) throws(ConvoyError) {
    guard let type = Onnx_TensorProto.DataType(rawValue: Int(code)) else {
      throw .refused("its element type \(code) is not known")
    }
    guard let known = ElementType.allCases.first(where: { $0.onnxType == type }) else {
      throw .refused("its element type is \(type), but numbers are expected")
    }
    self = known
  }

  /// How ONNX spells the type.
  var onnxType: Onnx_TensorProto.DataType {
    switch self {
    case .float32: .float
    case .float64: .double
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .bool: .bool
    case .int8: .int8
    case .uint8: .uint8
    case .int16: .int16
    case .uint16: .uint16
    case .int32: .int32
    case .uint32: .uint32
    case .int64: .int64
    case .uint64: .uint64
    }
  }

  /// Reads little-endian numbers: floats as 32-bit floats, rounded to nearest, all others as integers.
  func elements(from bytes: UnsafeRawBufferPointer) -> ConstantTensor.Elements {
    func read<Element: TensorElement>(_: Element.Type) -> ConstantTensor.Elements {
      .integers([Element](littleEndian: bytes).map { Int($0.converted(to: Int64.self)) })
    }
    if isFloating { return .floats(floats(littleEndian: bytes)) }
    // Exporters write bounds such as 2⁶⁴ − 1, which are to stay large.
    if self == .uint64 {
      return .integers([UInt64](littleEndian: bytes).map { Int(clamping: $0) })
    }
    return read(swiftType)
  }
}

extension ConstantTensor {
  /// Reads a tensor of a model.
  ///
  /// - Parameters:
  ///   - externalData: where numbers kept outside the model are; nil if nowhere.
  ///   - data: where the tensor's bytes are, if they were not read with it.
  init(
    _ tensor: Onnx_TensorProto, source: String? = nil, externalData: ExternalData?,
    data: DataInFile? = nil
  ) throws(ConvoyError) {
    let extents = tensor.dims.map { Int($0) }
    let count = try ConstantTensor.count(of: extents)
    let type = try ElementType(onnxCode: tensor.dataType)
    var data = data
    if tensor.dataLocation == .external {
      guard let externalData else {
        throw .refused("its numbers are kept in another file, and no folder is known")
      }
      data = try externalData.find(tensor.externalData, byteCount: count * type.size)
    }
    if tensor.hasRawData || data != nil {
      let byteCount = data?.part.count ?? tensor.rawData.count
      guard byteCount == count * type.size else {
        throw .refused("its shape \(extents) takes \(count * type.size) bytes, got \(byteCount)")
      }
    }
    if let data {
      self = try data.numbers(extents, type, source: source)
      return
    }
    let elements =
      tensor.hasRawData
      ? tensor.rawData.withUnsafeBytes { type.elements(from: $0) }
      : ConstantTensor.typedElements(tensor, type)
    guard elements.count == count else {
      throw .refused("its shape \(extents) has \(count) elements, got \(elements.count)")
    }
    self.init(extents, elements, source: source)
  }

  /// The numbers in the field for a type; half precision is kept as bits in 32-bit integers.
  private static func typedElements(_ tensor: Onnx_TensorProto, _ type: ElementType) -> Elements {
    switch type {
    case .float32: .floats(tensor.floatData)
    case .float64: .floats(tensor.doubleData.map { Float($0) })
    case .float16:
      .floats(tensor.int32Data.map { Float(Half(bits: UInt16(truncatingIfNeeded: $0))) })
    case .bfloat16:
      .floats(tensor.int32Data.map { Float(BFloat16(bits: UInt16(truncatingIfNeeded: $0))) })
    case .bool, .int8, .uint8, .int16, .uint16, .int32:
      .integers(tensor.int32Data.map { Int($0) })
    case .int64: .integers(tensor.int64Data.map { Int($0) })
    case .uint32, .uint64: .integers(tensor.uint64Data.map { Int(clamping: $0) })
    }
  }
}
