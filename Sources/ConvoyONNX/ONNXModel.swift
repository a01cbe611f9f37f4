public import ConvoyEngine
import ConvoyFormats
public import ConvoyGraphs
public import ConvoyTensors

/// A network in ONNX's format: what other tools train, and what they run.
///
/// A model is imported for the shapes of its inputs. One `ONNXModel` makes plans for many of them, and keeps
/// those made last:
///
/// ```swift
/// let model = try ONNXModel("detector.onnx")
/// let one = try model.run(["image": Tensor([1, 3, 480, 640])])
/// let four = try model.run(["image": Tensor([4, 3, 320, 320])])
/// ```
///
/// The versions `opsets` of the standard operators are read. Convoy computes with 32-bit floats: inputs,
/// outputs and weights of other precisions are converted.
public final class ONNXModel: Sendable {
  /// The inputs, without those that have a default.
  public var inputs: [Declaration] { document.inputs }
  /// The outputs.
  public var outputs: [Declaration] { document.graph.output.map(Declaration.init) }
  /// What the model's maker wrote beside it, by name.
  public var metadata: [String: String] { document.metadata }
  /// The program that made the model, and its version.
  public var producer: String { document.producer }

  private let document: ModelDocument
  private let plans: PlanCache

  /// The versions of the standard operators that are read.
  public static let opsets = 1...28

  /// Reads a model from a file. Weights stay there until a plan is made.
  ///
  /// - Parameters:
  ///   - path: the file; weights kept outside it are looked for in its folder.
  ///   - options: how plans are compiled.
  /// - Throws: `ConvoyError` of kind `.file` when the file cannot be read; of kind `.format` when it is not an
  ///   ONNX model; of kind `.unsupported` when it is of a version that Convoy does not read.
  /// - Complexity: O(*n*) in the file's size without large weights.
  public convenience init(
    _ path: String, options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let beside = ExternalData(folder: folder.isEmpty ? "/" : folder)
    if let file = try RandomAccessFile(path), file.size <= Self.largestFile,
      let model = try ModelFile(file)
    {
      try self.init(
        ModelDocument(model.bytes, source: "‘\(path)’", externalData: beside, rest: model),
        options)
      return
    }
    let bytes = try WholeFile.read(path, atMost: Self.largestFile)
    try self.init(
      ModelDocument(bytes, source: "‘\(path)’", externalData: beside, rest: nil), options)
  }

  /// Reads a model from the bytes of a file, which must hold all its weights.
  ///
  /// - Throws: `ConvoyError`, as reading a file does.
  public convenience init(
    _ bytes: [UInt8], options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) {
    try self.init(
      ModelDocument(bytes, source: "The model", externalData: nil, rest: nil), options)
  }

  private init(_ document: ModelDocument, _ options: CompileOptions) {
    self.document = document
    plans = PlanCache(options)
  }

  /// Protocol buffers are limited to 2 GiB.
  static let largestFile = 1 << 31

  // MARK: Importing

  /// The network for inputs of some shapes.
  ///
  /// Weights keep the names of their initialisers. What is computed from constants and shapes alone is
  /// evaluated.
  ///
  /// - Parameters:
  ///   - shapes: the shapes of inputs, by name; those that the model fixes need none.
  ///   - batch: the first extent of every input that leaves it open.
  ///   - values: numbers of inputs. They are taken as constants where the network depends on them otherwise
  ///     than by computing, as on sizes; inputs without a shape have that of their numbers.
  /// - Throws: `ConvoyError` of kind `.argument` when an extent is open and not given; of kind `.shape` when
  ///   what is given is not what the model declares; of kind `.unsupported` when the model uses what Convoy
  ///   does not support, all of which is listed; of kind `.format` when the model is not valid.
  /// - Complexity: O(*n*) in the number of nodes; numbers are read where shapes follow from them.
  public func model(
    shapes: [String: [Int]] = [:], batch: Int? = nil, values: [String: Tensor] = [:]
  ) throws(ConvoyError) -> Model {
    try imported(shapes: shapes, batch: batch, values: values).model
  }

  /// The network, and the inputs that it takes as constants.
  private func imported(
    shapes: [String: [Int]], batch: Int?, values: [String: Tensor]
  ) throws(ConvoyError) -> (model: Model, constants: [String: Tensor]) {
    let given = values.mapValues(\.shape.dimensions).merging(shapes) { $1 }
    let shapes = try InputShapes(
      document.inputs, given: given, batch: batch, source: document.source)
    var constants: [String: Tensor] = [:]
    while true {
      let importer = Importer(document)
      do throws(ConvoyError) {
        return (try importer.read(shapes, constants: constants), constants)
      } catch {
        let more = importer.needed.filter { constants[$0] == nil && values[$0] != nil }
        guard !more.isEmpty else { throw error }
        for name in more { constants[name] = values[name] }
      }
    }
  }

  // MARK: Running

  /// A plan for inputs of these shapes, and of these numbers where the network depends on them otherwise than
  /// by computing.
  ///
  /// - Throws: `ConvoyError`, as `model` and compiling do.
  /// - Complexity: O(1) if such a plan was made lately.
  public func plan(for inputs: [String: Tensor]) throws(ConvoyError) -> Plan {
    if let plan = plans.plan(for: inputs) { return plan }
    let (model, constants) = try imported(shapes: [:], batch: nil, values: inputs)
    return try plans.insert(model, shapes: inputs.mapValues(\.shape), constants: constants)
  }

  /// Runs the model once.
  ///
  /// - Parameter inputs: a tensor for each input, in the type that the model declares.
  /// - Returns: the outputs, in the types that the model declares.
  /// - Throws: `ConvoyError`, as `plan` and running it do.
  public func run(_ inputs: [String: Tensor]) throws(ConvoyError) -> [String: Tensor] {
    try plan(for: inputs).run(named: inputs)
  }
}
