public import ConvoyTensors

extension Safetensors {
  /// Writes the tensors in order, replacing the file as a whole or not at all.
  ///
  /// Equal collections give equal bytes: the metadata is sorted by key.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when the file cannot be written.
  /// - Complexity: O(*n*) in the number of elements; no second copy of them is held.
  public func write(to path: String) throws(ConvoyError) {
    try AtomicFile.write(to: path) { (file) throws(ConvoyError) in
      try file.append(encodedHeader())
      for entry in entries {
        try entry.tensor.withLittleEndianBytes { (bytes) throws(ConvoyError) in
          try file.append(bytes)
        }
      }
    }
  }

  /// The bytes that `write(to:)` puts into a file.
  ///
  /// - Complexity: O(*n*) in the number of elements.
  ///
  /// - Throws: `ConvoyError` when a tensor's elements cannot be read from their source.
  public func encoded() throws(ConvoyError) -> [UInt8] {
    var bytes = encodedHeader()
    for entry in entries {
      try entry.tensor.withLittleEndianBytes { (elements) throws(ConvoyError) in
        bytes.append(contentsOf: elements)
      }
    }
    return bytes
  }

  /// The header's length and the header, padded with spaces so that the data begins at a multiple
  /// of 8 bytes.
  private func encodedHeader() -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let notes = metadata.sorted { $0.key < $1.key }
        .map { "\(Safetensors.quoted($0.key)):\(Safetensors.quoted($0.value))" }
      members.append("\"\(Safetensors.metadataKey)\":{\(notes.joined(separator: ","))}")
    }
    var offset = 0
    for entry in entries {
      let shape = entry.tensor.shape
      let extents = shape.dimensions.map(String.init).joined(separator: ",")
      let end = offset + entry.tensor.byteCount
      members.append(
        "\(Safetensors.quoted(entry.name)):"
          + "{\"dtype\":\"\(entry.tensor.type.safetensorsName)\",\"shape\":[\(extents)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: -header.count & 7))
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    return length + header
  }

  /// Text as a JSON string.
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\0"..<" ":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
