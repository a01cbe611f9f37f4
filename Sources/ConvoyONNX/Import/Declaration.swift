public import ConvoyTensors

extension ONNXModel {
  /// What a model says of one of its inputs or outputs.
  public struct Declaration: Sendable, Hashable {
    /// The name.
    public let name: String
    /// The type of its elements; nil where the model does not tell.
    public let type: ElementType?
    /// The extents; nil where the model does not tell how many there are.
    public let extents: [Extent]?
  }

  /// An extent of an input or output.
  public enum Extent: Sendable, Hashable {
    /// It is always this.
    case fixed(Int)
    /// It follows from what is given. Open extents of one name are the same number.
    case open(name: String?)
  }
}

extension ONNXModel.Extent: CustomStringConvertible {
  /// The number, the name, or `?`.
  public var description: String {
    switch self {
    case .fixed(let extent): "\(extent)"
    case .open(let name): name ?? "?"
    }
  }
}

extension ONNXModel.Declaration {
  init(_ value: Onnx_ValueInfoProto) {
    name = value.name
    guard case .tensorType(let declared)? = value.type.value else {
      (type, extents) = (nil, nil)
      return
    }
    type = try? ElementType(onnxCode: declared.elemType)
    extents = declared.hasShape ? declared.shape.dim.map(ONNXModel.Extent.init) : nil
  }

  /// The extents as text: `batch×3×224×224`.
  var text: String {
    guard let extents else { return "of any shape" }
    return extents.isEmpty ? "scalar" : extents.map(\.description).joined(separator: "×")
  }
}

extension ONNXModel.Extent {
  fileprivate init(_ dimension: Onnx_TensorShapeProto.Dimension) {
    switch dimension.value {
    case .dimValue(let extent)? where extent > 0: self = .fixed(Int(extent))
    case .dimParam(let name)? where !name.isEmpty: self = .open(name: name)
    default: self = .open(name: nil)
    }
  }
}

/// The shapes of a model's inputs: what is given, and what follows from it.
struct InputShapes {
  /// What the model is called in messages.
  let source: String
  /// What is given for inputs.
  let given: [String: [Int]]
  /// What is given for the first extent of every input that leaves it open.
  let batch: Int?
  /// Open extents by their names.
  private var named: [String: Int] = [:]

  /// - Throws: `ConvoyError` when what is given does not fit what is declared.
  init(
    _ declarations: [ONNXModel.Declaration], given: [String: [Int]], batch: Int?, source: String
  ) throws(ConvoyError) {
    (self.source, self.given, self.batch) = (source, given, batch)
    let known = Set(declarations.map(\.name))
    if let name = given.keys.sorted().first(where: { !known.contains($0) }) {
      let names = declarations.map { "‘\($0.name)’" }.joined(separator: ", ")
      throw ConvoyError(
        .argument, "\(source) has no input ‘\(name)’ to give a shape to; its inputs are \(names).")
    }
    for declaration in declarations {
      if let shape = given[declaration.name] { try check(shape, declaration) }
    }
    if let batch { try check(batch: batch, declarations) }
  }

  private mutating func check(
    _ shape: [Int], _ declaration: ONNXModel.Declaration
  ) throws(ConvoyError) {
    guard let extents = declaration.extents else { return }
    let fits = zip(shape, extents).allSatisfy { given, declared in
      declared == .fixed(given) || declared.isOpen
    }
    guard shape.count == extents.count, fits else {
      throw ConvoyError(
        .shape,
        "The input ‘\(declaration.name)’ of \(source) is declared \(declaration.text), got "
          + "\(shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: "×")).")
    }
    for case (let given, .open(let name?)) in zip(shape, extents) where named[name] == nil {
      named[name] = given
    }
  }

  private mutating func check(
    batch: Int, _ declarations: [ONNXModel.Declaration]
  ) throws(ConvoyError) {
    guard batch >= 1 else {
      throw ConvoyError(.argument, "A batch of at least 1 is expected, got \(batch).")
    }
    let first = declarations.compactMap { $0.extents?.first }
    for case .open(let name?) in first where named[name] == nil { named[name] = batch }
    // Inputs without a batch, such as sizes, may have any first extent.
    if !first.isEmpty, given.isEmpty, !first.contains(where: \.isOpen),
      !first.contains(.fixed(batch))
    {
      throw ConvoyError(
        .shape,
        "\(source) declares its input ‘\(declarations[0].name)’ as \(declarations[0].text), which "
          + "is no batch of \(batch).")
    }
  }

  /// The shape of an input.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` when it does not follow.
  subscript(declaration: ONNXModel.Declaration) -> Shape {
    get throws(ConvoyError) {
      let extents = given[declaration.name] ?? resolved(declaration)
      guard let extents else {
        throw ConvoyError(
          .argument,
          "\(source) leaves the shape of its input ‘\(declaration.name)’ open (\(declaration.text)); "
            + "give all of it, as by --shape \(declaration.name)=1x3x224x224, or, where only the "
            + "first extent is open, that by --batch.")
      }
      guard extents.count <= ConstantTensor.largestRank else {
        throw ConvoyError(
          .shape,
          "The input ‘\(declaration.name)’ may have at most \(ConstantTensor.largestRank) "
            + "dimensions, got \(extents.count).")
      }
      do {
        return try Shape(validating: extents)
      } catch {
        throw ConvoyError(
          .shape,
          "The input ‘\(declaration.name)’ has no shape that can be held: \(error.message)")
      }
    }
  }

  private func resolved(_ declaration: ONNXModel.Declaration) -> [Int]? {
    guard let declared = declaration.extents else { return nil }
    var extents: [Int] = []
    for (index, extent) in declared.enumerated() {
      switch extent {
      case .fixed(let extent): extents.append(extent)
      case .open(let name):
        guard let known = name.flatMap({ named[$0] }) ?? (index == 0 ? batch : nil) else {
          return nil
        }
        extents.append(known)
      }
    }
    return extents
  }
}

extension ONNXModel.Extent {
  fileprivate var isOpen: Bool { if case .open = self { true } else { false } }
}
