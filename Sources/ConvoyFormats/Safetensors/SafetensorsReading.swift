import ConvoyTensors

extension Safetensors {
  /// Reads a file.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when it cannot be read, of kind `.format` when it is
  ///   not what the format asks for.
  /// - Complexity: O(*n*) in the file's size; holds the file and its tensors at once.
  public init(contentsOf path: String) throws {
    try self.init(parsing: try WholeFile.read(path), source: path)
  }

  /// Reads the bytes of a file.
  ///
  /// What is checked before any tensor is made: the header lies within the bytes, every name is
  /// used once, every tensor's bytes are as many as its shape and type say, and together they cover
  /// what follows the header without gap or overlap.
  ///
  /// - Throws: `ConvoyError` of kind `.format` when they are not what the format asks for.
  /// - Complexity: O(*n*) in the number of bytes.
  public init(parsing bytes: [UInt8]) throws {
    try self.init(parsing: bytes, source: nil)
  }

  private init(parsing bytes: [UInt8], source: String?) throws {
    self = try Malformed.explain(source, asNot: "a safetensors file") {
      let header = try Header(parsing: bytes)
      var result = Safetensors(metadata: header.metadata)
      try bytes.withUnsafeBytes { bytes in
        let data = UnsafeRawBufferPointer(rebasing: bytes[header.dataStart...])
        for record in header.records {
          let source = UnsafeRawBufferPointer(rebasing: data[record.begin..<record.end])
          try result.append(
            Tensor(record.shape, type: record.type, littleEndian: source),
            named: record.name)
        }
      }
      return result
    }
  }

  /// What a file says about its tensors, checked against the file's size.
  private struct Header {
    /// A tensor's place within the data.
    struct Record {
      let name: String
      let type: ElementType
      let shape: Shape
      let begin: Int
      let end: Int
    }

    /// In the order of their data.
    private(set) var records: [Record] = []
    private(set) var metadata: [String: String] = [:]
    let dataStart: Int

    init(parsing bytes: [UInt8]) throws {
      guard bytes.count >= 8 else {
        throw Malformed("8 bytes with the header's length are expected, got \(bytes.count)")
      }
      let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard length <= bytes.count - 8 else {
        throw Malformed(
          "its header should have \(length) bytes, but only \(bytes.count - 8) follow")
      }
      dataStart = 8 + Int(length)
      try parse(bytes[8..<dataStart])
      try checkCoverage(of: bytes.count - dataStart)
    }

    private mutating func parse(_ header: ArraySlice<UInt8>) throws {
      var scanner = HeaderScanner(header)
      var seen: Set<String> = []
      try scanner.object { name, scanner in
        guard seen.insert(name).inserted else { throw Malformed("it names ‘\(name)’ twice") }
        if name == Safetensors.metadataKey {
          try scanner.object { key, scanner in
            guard metadata.updateValue(try scanner.string(), forKey: key) == nil else {
              throw Malformed("its metadata names ‘\(key)’ twice")
            }
          }
        } else {
          records.append(try Self.record(name, &scanner))
        }
      }
      try scanner.end()
      records.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    }

    /// Reads the description of one tensor.
    private static func record(_ name: String, _ scanner: inout HeaderScanner) throws -> Record {
      var type: String?
      var extents: [Int]?
      var offsets: [Int]?
      try scanner.object { key, scanner in
        switch key {
        case "dtype" where type == nil: type = try scanner.string()
        case "shape" where extents == nil: extents = try scanner.counts()
        case "data_offsets" where offsets == nil: offsets = try scanner.counts()
        case "dtype", "shape", "data_offsets":
          throw Malformed("‘\(name)’ has two entries ‘\(key)’")
        default:
          throw Malformed("‘\(name)’ has an entry ‘\(key)’ that the format does not know")
        }
      }
      guard let type, let extents, let offsets, offsets.count == 2 else {
        throw Malformed("‘\(name)’ needs a dtype, a shape and two data_offsets")
      }
      guard let elementType = ElementType(safetensorsName: type) else {
        let known = ElementType.allCases.map(\.safetensorsName).joined(separator: ", ")
        throw Malformed("‘\(name)’ has the dtype ‘\(type)’, but one of \(known) is expected")
      }
      let shape = try Result { try Shape(validating: extents) }.mapError {
        Malformed("‘\(name)’ has a shape Convoy cannot hold (\($0))")
      }.get()
      // A shape has at most 2⁴⁰ elements of at most 8 bytes, so the product cannot overflow.
      let size = shape.elementCount * elementType.size
      guard offsets[0] <= offsets[1], offsets[1] - offsets[0] == size else {
        throw Malformed(
          "‘\(name)’ of shape \(shape) and dtype \(type) takes \(size) bytes, "
            + "but its data_offsets are \(offsets[0]) and \(offsets[1])")
      }
      return Record(
        name: name, type: elementType, shape: shape, begin: offsets[0], end: offsets[1])
    }

    /// The format forbids gaps and overlaps: nothing may hide in a file, nor be read twice.
    private func checkCoverage(of size: Int) throws {
      var covered = 0
      for record in records {
        guard record.begin == covered else {
          throw Malformed(
            "the data of ‘\(record.name)’ should begin at \(covered), where the data before it "
              + "ends, but begins at \(record.begin)")
        }
        covered = record.end
      }
      guard covered == size else {
        throw Malformed("its tensors take \(covered) bytes, but \(size) follow the header")
      }
    }
  }
}
