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
      throw .refused("its element type \(code) is not supported")
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
    guard count > 0 else {
      self.init(empty: extents, type)
      return
    }
    let shape = try Shape(validating: extents)
    let numbers =
      if let data {
        try data.numbers(shape, type)
      } else if tensor.hasRawData {
        tensor.rawData.withUnsafeBytes { Tensor(shape, type: type, littleEndian: $0) }
      } else {
        try type.apply(TypedField(tensor: tensor, shape: shape)).get()
      }
    self.init(numbers, source: source)
  }
}

/// The numbers in the field for a type: smaller integers are kept in 32 bits, half-precision floats as their
/// bits.
private struct TypedField: TypedFunction {
  let tensor: Onnx_TensorProto
  let shape: Shape

  func callAsFunction<Element: TensorElement>(
    _: Element.Type
  ) -> Result<Tensor, ConvoyError> {
    let elements: [Element] =
      switch Element.type {
      case .float32: tensor.floatData.map { Element(bits: Element.Bits($0.bitPattern)) }
      case .float64: tensor.doubleData.map { Element(converting: $0) }
      case .float16, .bfloat16:
        tensor.int32Data.map { Element(bits: Element.Bits(truncatingIfNeeded: $0)) }
      case .bool, .int8, .uint8, .int16, .uint16, .int32:
        tensor.int32Data.map { Element(converting: Int64($0)) }
      case .int64: tensor.int64Data.map { Element(converting: $0) }
      case .uint32, .uint64: tensor.uint64Data.map { Element(converting: $0) }
      }
    guard elements.count == shape.elementCount else {
      return .failure(
        .refused("its shape \(shape) has \(shape.elementCount) elements, got \(elements.count)"))
    }
    return Result { () throws(ConvoyError) in try Tensor(shape, elements: elements) }
  }
}
