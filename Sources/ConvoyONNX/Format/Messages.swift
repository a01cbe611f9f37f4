// The part of ONNX's format that Convoy reads and writes: messages and fields of onnx.proto
// (https://github.com/onnx/onnx, Apache-2.0) with their names and numbers. Other fields are skipped.

struct ModelProto: WireMessage {
  @Singular var irVersion: Int64 = 0
  @Singular var producerName = ""
  @Singular var graph = GraphProto()
  var opsetImport: [OperatorSetIdProto] = []

  static let fields: [WireField<ModelProto>] = [
    .singular(1, \.$irVersion, .integer),
    .singular(2, \.$producerName, .text),
    .message(7, \.$graph),
    .messages(8, \.opsetImport),
  ]
}

struct OperatorSetIdProto: WireMessage {
  @Singular var domain = ""
  @Singular var version: Int64 = 0

  static let fields: [WireField<OperatorSetIdProto>] = [
    .singular(1, \.$domain, .text),
    .singular(2, \.$version, .integer),
  ]
}

struct GraphProto: WireMessage {
  var node: [NodeProto] = []
  @Singular var name = ""
  var initializer: [TensorProto] = []
  var input: [ValueInfoProto] = []
  var output: [ValueInfoProto] = []
  var sparseInitializer: [SparseTensorProto] = []

  static let fields: [WireField<GraphProto>] = [
    .messages(1, \.node),
    .singular(2, \.$name, .text),
    .messages(5, \.initializer),
    .messages(11, \.input),
    .messages(12, \.output),
    .messages(15, \.sparseInitializer),
  ]
}

struct NodeProto: WireMessage {
  var input: [String] = []
  var output: [String] = []
  @Singular var name = ""
  @Singular var opType = ""
  var attribute: [AttributeProto] = []
  @Singular var domain = ""

  static let fields: [WireField<NodeProto>] = [
    .repeated(1, \.input, .text),
    .repeated(2, \.output, .text),
    .singular(3, \.$name, .text),
    .singular(4, \.$opType, .text),
    .messages(5, \.attribute),
    .singular(7, \.$domain, .text),
  ]
}

struct AttributeProto: WireMessage {
  enum AttributeType: Int32 {
    case undefined, float, int, string, tensor, graph, floats, ints, strings, tensors, graphs
    case sparseTensor, sparseTensors, typeProto, typeProtos
  }

  @Singular var name = ""
  @Singular var f: Float = 0
  @Singular var i: Int64 = 0
  @Singular var s: ArraySlice<UInt8> = []
  @Singular var t = TensorProto()
  var floats: [Float] = []
  var ints: [Int64] = []
  var strings: [ArraySlice<UInt8>] = []
  @Singular var type = AttributeType.undefined
  @Singular var refAttrName = ""

  static let fields: [WireField<AttributeProto>] = [
    .singular(1, \.$name, .text),
    .singular(2, \.$f, .float),
    .singular(3, \.$i, .integer),
    .singular(4, \.$s, .bytes),
    .message(5, \.$t),
    .numbers(7, \.floats, .float),
    .numbers(8, \.ints, .integer),
    .repeated(9, \.strings, .bytes),
    .singular(20, \.$type, .enumeration),
    .singular(21, \.$refAttrName, .text),
  ]
}

struct ValueInfoProto: WireMessage {
  @Singular var name = ""
  @Singular var type = TypeProto()

  static let fields: [WireField<ValueInfoProto>] = [
    .singular(1, \.$name, .text),
    .message(2, \.$type),
  ]
}

/// Of the types that a value may have, tensors are read.
struct TypeProto: WireMessage {
  @Singular var tensorType = Tensor()

  struct Tensor: WireMessage {
    @Singular var elemType: Int32 = 0
    @Singular var shape = TensorShapeProto()

    static let fields: [WireField<Tensor>] = [
      .singular(1, \.$elemType, .integer),
      .message(2, \.$shape),
    ]
  }

  static let fields: [WireField<TypeProto>] = [.message(1, \.$tensorType)]
}

struct TensorShapeProto: WireMessage {
  var dim: [Dimension] = []

  /// An extent that is fixed, or open and perhaps named: setting one unsets the other.
  struct Dimension: WireMessage {
    private(set) var value: Value?

    enum Value {
      case dimValue(Int64)
      case dimParam(String)
    }

    var dimValue: Int64? {
      get { if case .dimValue(let extent) = value { extent } else { nil } }
      set { value = newValue.map { .dimValue($0) } }
    }

    var dimParam: String? {
      get { if case .dimParam(let name) = value { name } else { nil } }
      set { value = newValue.map { .dimParam($0) } }
    }

    static let fields: [WireField<Dimension>] = [
      .singular(1, \.dimValue, .integer),
      .singular(2, \.dimParam, .text),
    ]
  }

  static let fields: [WireField<TensorShapeProto>] = [.messages(1, \.dim)]
}

struct TensorProto: WireMessage {
  enum DataType: Int32 {
    case undefined, float, uint8, int8, uint16, int16, int32, int64, string, bool
    case float16, double, uint32, uint64, complex64, complex128, bfloat16
  }

  enum DataLocation: Int32 { case `default`, external }

  var dims: [Int64] = []
  @Singular var dataType: Int32 = 0
  var floatData: [Float] = []
  var int32Data: [Int32] = []
  var int64Data: [Int64] = []
  @Singular var name = ""
  @Singular var rawData: ArraySlice<UInt8> = []
  var doubleData: [Double] = []
  var uint64Data: [UInt64] = []
  var externalData: [StringStringEntryProto] = []
  @Singular var dataLocation = DataLocation.default

  static let fields: [WireField<TensorProto>] = [
    .numbers(1, \.dims, .integer),
    .singular(2, \.$dataType, .integer),
    .numbers(4, \.floatData, .float, isPacked: true),
    .numbers(5, \.int32Data, .integer, isPacked: true),
    .numbers(7, \.int64Data, .integer, isPacked: true),
    .singular(8, \.$name, .text),
    .singular(9, \.$rawData, .bytes),
    .numbers(10, \.doubleData, .double, isPacked: true),
    .numbers(11, \.uint64Data, .integer, isPacked: true),
    .messages(13, \.externalData),
    .singular(14, \.$dataLocation, .enumeration),
  ]
}

struct SparseTensorProto: WireMessage {
  @Singular var values = TensorProto()

  static let fields: [WireField<SparseTensorProto>] = [.message(1, \.$values)]
}

struct StringStringEntryProto: WireMessage {
  @Singular var key = ""
  @Singular var value = ""

  static let fields: [WireField<StringStringEntryProto>] = [
    .singular(1, \.$key, .text),
    .singular(2, \.$value, .text),
  ]
}
