public import ConvoyTensors

/// Named tensors in order, and notes about them, as a `.safetensors` file holds them.
///
/// Tensors keep the types they have in the file, and are written with the types they have: every numeric
/// type the format knows from 8 bits up.
///
/// Source: the format's description at github.com/huggingface/safetensors.
public struct Safetensors: Hashable, Sendable {
  /// A tensor and its name.
  public struct Entry: Hashable, Sendable {
    /// The name, unique within the file.
    public let name: String

    /// The tensor.
    public let tensor: Tensor
  }

  /// The tensors; read from a file, they are in the order of their data.
  public private(set) var entries: [Entry] = []

  /// Notes on the whole, text by key.
  public var metadata: [String: String]

  private var positions: [String: Int] = [:]

  /// Makes a collection without tensors.
  public init(metadata: [String: String] = [:]) {
    self.metadata = metadata
  }

  /// Makes a collection of tensors in order.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` when a name is used twice or is reserved.
  public init(
    _ tensors: some Sequence<(name: String, tensor: Tensor)>, metadata: [String: String] = [:]
  ) throws(ConvoyError) {
    self.init(metadata: metadata)
    for (name, tensor) in tensors { try append(tensor, named: name) }
  }

  /// Adds a tensor at the end.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` when the name is in use, or is the one the format
  ///   reserves for the metadata.
  public mutating func append(_ tensor: Tensor, named name: String) throws(ConvoyError) {
    guard name != Safetensors.metadataKey else {
      throw ConvoyError(.argument, "A tensor cannot be named ‘\(name)’: the format reserves it.")
    }
    guard positions[name] == nil else {
      throw ConvoyError(.argument, "Tensors need different names, but ‘\(name)’ is used twice.")
    }
    positions[name] = entries.count
    entries.append(Entry(name: name, tensor: tensor))
  }

  /// The tensor of a name, or nil where there is none.
  ///
  /// - Complexity: O(1).
  public subscript(name: String) -> Tensor? {
    positions[name].map { entries[$0].tensor }
  }

  /// The tensor of a name.
  ///
  /// - Throws: `ConvoyError` of kind `.format` when there is none.
  public func tensor(named name: String) throws(ConvoyError) -> Tensor {
    guard let tensor = self[name] else {
      let known = entries.prefix(8).map { "‘\($0.name)’" }.joined(separator: ", ")
      let rest = entries.count > 8 ? " and \(entries.count - 8) more" : ""
      throw ConvoyError(
        .format,
        "A tensor named ‘\(name)’ is expected, but there is "
          + (entries.isEmpty ? "no tensor at all." : "only \(known)\(rest)."))
    }
    return tensor
  }

  static let metadataKey = "__metadata__"
}
