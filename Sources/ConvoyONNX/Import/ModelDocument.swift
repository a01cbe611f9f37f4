import ConvoyFormats
import ConvoyTensors
import SwiftProtobuf

/// A model's file, parsed, with the numbers of its initialisers: what every import of it has in common.
struct ModelDocument: Sendable {
  /// What the model is called in messages, at their beginning.
  let source: String
  /// The file's size.
  let byteCount: Int
  /// The graph, whose initialisers are kept below.
  let graph: Onnx_GraphProto
  /// Its inputs but for those that are initialisers: before the fourth version of the format, these were
  /// listed as inputs too.
  let inputs: [ONNXModel.Declaration]
  let initializers: [(name: String, constant: ConstantTensor)]
  /// The functions that the model brings along, by domain, name and overload.
  let functions: [String: Onnx_FunctionProto]
  /// The versions of the operators' sets, by domain; the standard's is empty.
  let opsets: [String: Int]
  let externalData: ExternalData?
  let producer: String
  let metadata: [String: String]

  /// Parses a file's bytes.
  ///
  /// - Parameters:
  ///   - rest: where the bytes of initialisers are that were left in the file.
  init(
    _ bytes: [UInt8], source: String, externalData: ExternalData?, rest: ModelFile?
  ) throws(ConvoyError) {
    var model = try Self.parsed(bytes, source: source)
    guard model.hasGraph, model.irVersion >= 1 else {
      throw ConvoyError(
        .format, "\(source) is not an ONNX model that can be read: it has no graph.")
    }
    self.source = source
    self.externalData = externalData
    byteCount = rest?.file.size ?? bytes.count
    opsets = try Self.opsets(model.opsetImport, source: source)
    functions = Dictionary(
      model.functions.map { (Self.functionKey($0.domain, $0.name, $0.overload), $0) }
    ) { first, _ in first }
    producer = [model.producerName, model.producerVersion].filter { !$0.isEmpty }
      .joined(separator: " ")
    metadata = Dictionary(model.metadataProps.map { ($0.key, $0.value) }) { first, _ in first }
    guard model.graph.sparseInitializer.isEmpty else {
      throw ConvoyError(
        .unsupported,
        "\(source) cannot be imported: it has sparse initialisers, which Convoy does not support.")
    }
    initializers = try Self.initializers(model.graph, source, externalData, rest)
    let known = Set(model.graph.initializer.map(\.name))
    inputs = model.graph.input.filter { !known.contains($0.name) }.map(ONNXModel.Declaration.init)
    model.graph.initializer = []
    graph = model.graph
  }

  private static func parsed(_ bytes: [UInt8], source: String) throws(ConvoyError)
    -> Onnx_ModelProto
  {
    var parsing = BinaryDecodingOptions()
    // A graph within a graph is three messages deeper.
    parsing.messageDepthLimit = 64
    parsing.discardUnknownFields = true
    do {
      return try Onnx_ModelProto(serializedBytes: bytes, options: parsing)
    } catch {
      throw ConvoyError(
        .format,
        "\(source) is not an ONNX model that can be read: its bytes are damaged or cut off.")
    }
  }

  private static func initializers(
    _ graph: Onnx_GraphProto, _ source: String, _ externalData: ExternalData?, _ rest: ModelFile?
  ) throws(ConvoyError) -> [(name: String, constant: ConstantTensor)] {
    var names: Set<String> = []
    return try graph.initializer.enumerated().map { index, tensor throws(ConvoyError) in
      guard names.insert(tensor.name).inserted else {
        throw ConvoyError(
          .format, "\(source) cannot be imported: it has two initialisers named ‘\(tensor.name)’.")
      }
      let data = rest.flatMap { rest in
        rest.data[index].map { DataInFile(file: rest.file, part: $0) }
      }
      do throws(ConvoyError) {
        return (
          tensor.name,
          try ConstantTensor(
            tensor, source: tensor.name, externalData: externalData, data: data)
        )
      } catch {
        guard error.kind == .unsupported else { throw error }
        throw ConvoyError(
          .format,
          "\(source) cannot be imported: the initialiser ‘\(tensor.name)’ cannot be read: "
            + "\(error.message).")
      }
    }
  }

  /// The versions of the operators' sets that a model or function imports.
  ///
  /// - Throws: `ConvoyError` when the standard's is not one of `ONNXModel.opsets`.
  static func opsets(
    _ imported: [Onnx_OperatorSetIdProto], source: String
  ) throws(ConvoyError) -> [String: Int] {
    var opsets = Dictionary(
      imported.map { (standardized($0.domain), Int($0.version)) }
    ) { first, _ in first }
    // Models without any were written when there was but the first.
    let version = opsets["", default: 1]
    opsets[""] = version
    guard ONNXModel.opsets.contains(version) else {
      throw ConvoyError(
        .unsupported,
        "\(source) uses version \(version) of ONNX's operators; versions "
          + "\(ONNXModel.opsets.lowerBound) to \(ONNXModel.opsets.upperBound) are supported.")
    }
    return opsets
  }

  /// A domain, empty for the standard one, which has two names.
  static func standardized(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }

  /// A function that a node calls.
  func function(of node: Onnx_NodeProto) -> Onnx_FunctionProto? {
    functions[Self.functionKey(node.domain, node.opType, node.overload)]
  }

  private static func functionKey(_ domain: String, _ name: String, _ overload: String) -> String {
    "\(standardized(domain))\u{0}\(name)\u{0}\(overload)"
  }
}
