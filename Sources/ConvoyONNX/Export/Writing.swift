import ConvoyFormats
public import ConvoyGraphs
public import ConvoyTensors
import SwiftProtobuf

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension ONNXModel {
  /// Writes a model, as version 17 of ONNX's operators, replacing the file as a whole or not at all.
  ///
  /// The batch is left open where the network takes any. Weights are put into the file, under their
  /// parameters' names; where they are too large for that, above 2 GiB, into a file beside it whose name
  /// has `.data` at its end.
  ///
  /// - Parameter additions: notes on the model, and nodes around it.
  /// - Throws: `ConvoyError` of kind `.argument` naming all operators that ONNX has no form of; of kind
  ///   `.file` when a file cannot be written.
  /// - Complexity: O(*n*) in the number of weights.
  public static func write(
    _ model: Model, to path: String, adding additions: ONNXAdditions = ONNXAdditions()
  ) throws(ConvoyError) {
    try write(model, to: path, adding: additions, largestInline: largestFile - 1 << 24)
  }

  /// The bytes that `write(_:to:)` puts into a file.
  ///
  /// - Throws: `ConvoyError` of kind `.argument`; also when the weights are too large for one file.
  public static func encoded(
    _ model: Model, adding additions: ONNXAdditions = ONNXAdditions()
  ) throws(ConvoyError) -> [UInt8] {
    let exporter = try Exporter(model)
    try exporter.add(additions)
    guard exporter.byteCount < largestFile - 1 << 24 else {
      throw ConvoyError(
        .argument, "The network's weights are larger than an ONNX file can be; write it to a path.")
    }
    return try encoded(exporter, additions.metadata) { $0.rawData = Data($1) }
  }

  /// - Parameter largestInline: how many bytes of weights the file itself may have.
  static func write(
    _ model: Model, to path: String, adding additions: ONNXAdditions = ONNXAdditions(),
    largestInline: Int
  ) throws(ConvoyError) {
    let exporter = try Exporter(model)
    try exporter.add(additions)
    if exporter.byteCount <= largestInline {
      try AtomicFile.write(
        try encoded(exporter, additions.metadata) { $0.rawData = Data($1) }, to: path)
      return
    }
    let location = (path.split(separator: "/").last ?? "model") + ".data"
    var offset = 0
    let bytes = try encoded(exporter, additions.metadata) { tensor, bytes in
      tensor.dataLocation = .external
      let place = [
        ("location", String(location)), ("offset", "\(offset)"), ("length", "\(bytes.count)"),
      ]
      tensor.externalData = place.map { key, value in
        var entry = Onnx_StringStringEntryProto()
        (entry.key, entry.value) = (key, value)
        return entry
      }
      offset += bytes.count
    }
    try AtomicFile.write(to: path + ".data") { (file) throws(ConvoyError) in
      for (_, tensor) in exporter.tensors {
        try tensor.withLittleEndianBytes { (bytes) throws(ConvoyError) in try file.append(bytes) }
      }
    }
    try AtomicFile.write(bytes, to: path)
  }

  private static func encoded(
    _ exporter: Exporter, _ metadata: [String: String],
    _ place: (inout Onnx_TensorProto, UnsafeRawBufferPointer) -> Void
  ) throws(ConvoyError) -> [UInt8] {
    var model = Onnx_ModelProto()
    model.irVersion = 8
    model.producerName = "Convoy"
    var opset = Onnx_OperatorSetIdProto()
    (opset.domain, opset.version) = ("", 17)
    model.opsetImport = [opset]
    model.metadataProps = metadata.sorted { $0.key < $1.key }.map { key, value in
      var entry = Onnx_StringStringEntryProto()
      (entry.key, entry.value) = (key, value)
      return entry
    }
    model.graph = exporter.graph
    for (name, numbers) in exporter.tensors {
      var tensor = Onnx_TensorProto()
      tensor.name = name
      tensor.dims = numbers.shape.dimensions.map { Int64($0) }
      tensor.dataType = Int32(numbers.type.onnxType.rawValue)
      try numbers.withLittleEndianBytes { (bytes) throws(ConvoyError) in place(&tensor, bytes) }
      model.graph.initializer.append(tensor)
    }
    do {
      return try model.serializedBytes()
    } catch {
      throw ConvoyError(
        .argument, "The network is larger than an ONNX file can be; write it to a path.")
    }
  }
}

extension Exporter {
  /// What the weights take.
  var byteCount: Int { tensors.reduce(0) { $0 + $1.tensor.byteCount } }
}
