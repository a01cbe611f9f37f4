import ConvoyFormats
public import ConvoyGraphs
public import ConvoyTensors
import SwiftProtobuf

/// Networks in ONNX's format: what other tools train, and what they run.
///
/// Opsets 7 to 24 are read. Convoy runs floats: models in half or double precision are converted.
public enum ONNXModel {
  /// Reads a model.
  ///
  /// Weights keep the names of their initialisers. What is computed from constants and shapes alone is
  /// evaluated while reading.
  ///
  /// - Parameters:
  ///   - path: the file; weights kept outside it are looked for in its folder.
  ///   - batch: what to put where an input's first extent is not fixed.
  ///   - inputShapes: the extents of inputs in which others are not fixed, or are to be different.
  /// - Throws: `ConvoyError` of kind `.file` when a file cannot be read; of kind `.format` when it is
  ///   not an ONNX model; of kind `.unsupported` when it uses what Convoy does not support, all of which is
  ///   listed; of kind `.argument` when an extent is not fixed that has to be.
  /// - Complexity: O(*n*) in the file's size; weights are read from the file one by one.
  public static func read(
    _ path: String, batch: Int = 1, inputShapes: [String: [Int]] = [:]
  ) throws(ConvoyError) -> Model {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let options = ImportOptions(batch: batch, inputShapes: inputShapes)
    let beside = ExternalData(folder: folder.isEmpty ? "/" : folder)
    if let file = try RandomAccessFile(path), file.size <= largestFile,
      let model = try ModelFile(file)
    {
      return try read(
        model.bytes, source: "‘\(path)’", options: options, externalData: beside, rest: model)
    }
    let bytes = try WholeFile.read(path, atMost: largestFile)
    return try read(bytes, source: "‘\(path)’", options: options, externalData: beside)
  }

  /// Reads a model from the bytes of a file, which must hold all its weights.
  ///
  /// - Parameters:
  ///   - bytes: the file's contents.
  ///   - batch: what to put where an input's first extent is not fixed.
  ///   - inputShapes: the extents of inputs in which others are not fixed, or are to be different.
  /// - Throws: `ConvoyError`, as reading a file does.
  public static func read(
    _ bytes: [UInt8], batch: Int = 1, inputShapes: [String: [Int]] = [:]
  ) throws(ConvoyError) -> Model {
    try read(
      bytes, source: "The model",
      options: ImportOptions(batch: batch, inputShapes: inputShapes), externalData: nil)
  }

  /// Protocol buffers are limited to 2 GiB.
  static let largestFile = 1 << 31
}

/// What stands in for the extents that a model leaves open.
struct ImportOptions {
  var batch = 1
  var inputShapes: [String: [Int]] = [:]
}

extension ONNXModel {
  /// Reads a model.
  ///
  /// - Parameters:
  ///   - source: what it is called in messages, at their beginning.
  ///   - rest: where the bytes of initialisers are that were left in the file.
  static func read(
    _ bytes: [UInt8], source: String, options: ImportOptions, externalData: ExternalData?,
    rest: ModelFile? = nil
  ) throws(ConvoyError) -> Model {
    guard options.batch >= 1 else {
      throw ConvoyError(.argument, "A batch of at least 1 is expected, got \(options.batch).")
    }
    var parsing = BinaryDecodingOptions()
    parsing.messageDepthLimit = 16
    parsing.discardUnknownFields = true
    let model: Onnx_ModelProto
    do {
      model = try Onnx_ModelProto(serializedBytes: bytes, options: parsing)
    } catch {
      throw ConvoyError(
        .format,
        "\(source) is not an ONNX model that can be read: its bytes are damaged or cut off.")
    }
    guard model.hasGraph, model.irVersion >= 1 else {
      throw ConvoyError(
        .format, "\(source) is not an ONNX model that can be read: it has no graph.")
    }
    let importer = Importer(
      opset: try opset(of: model, source: source), source: source,
      byteCount: rest?.file.size ?? bytes.count)
    return try importer.read(model.graph, options, externalData, rest)
  }

  /// The version of the standard operators that a model uses.
  private static func opset(of model: Onnx_ModelProto, source: String) throws(ConvoyError) -> Int {
    let standard = model.opsetImport.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }
    // Models without any were written when there was but the first.
    let version = standard.map { Int($0.version) } ?? 1
    guard opsets.contains(version) else {
      let remedy =
        version < opsets.lowerBound
        ? "too old: convert it to a newer one" : "too new: export it for an older one"
      throw ConvoyError(
        .format,
        "\(source) uses version \(version) of ONNX's operators, which is \(remedy); versions "
          + "\(opsets.lowerBound) to \(opsets.upperBound) are supported.")
    }
    return version
  }

  /// The versions of the operators that are read.
  static let opsets = 7...24
}
