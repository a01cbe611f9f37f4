public import ConvoyTensors

extension Safetensors {
  /// Reads a file.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when it cannot be read, of kind `.format` when it is
  ///   not what the format asks for.
  /// - Complexity: O(*n*) in the file's size; holds the file and its tensors at once.
  public init(contentsOf path: String) throws(ConvoyError) {
    let bytes = try WholeFile.read(path) { beginning throws(ConvoyError) in
      try Malformed.explain(path, asNot: Safetensors.format, of: [.safetensors], beginning) {
        () throws(Malformed) in try Header.extent(of: beginning)
      }
    }
    try self.init(parsing: bytes, source: path)
  }

  /// Reads the bytes of a file.
  ///
  /// What is checked before any tensor is made: the header lies within the bytes, every name is
  /// used once, every tensor's bytes are as many as its shape and type say, and together they cover
  /// what follows the header without gap or overlap.
  ///
  /// - Throws: `ConvoyError` of kind `.format` when they are not what the format asks for.
  /// - Complexity: O(*n*) in the number of bytes.
  public init(parsing bytes: [UInt8]) throws(ConvoyError) {
    try self.init(parsing: bytes, source: nil)
  }

  private static let format = "a safetensors file"

  private init(parsing bytes: [UInt8], source: String?) throws(ConvoyError) {
    self = try Malformed.explain(source, asNot: Safetensors.format, of: [.safetensors], bytes) {
      () throws(Malformed) in
      let header = try Header(parsing: bytes)
      var result = Safetensors(metadata: header.metadata)
      try bytes.withUnsafeBufferPointer { (bytes) throws(Malformed) in
        let data = UnsafeRawBufferPointer(
          rebasing: UnsafeRawBufferPointer(bytes)[header.dataStart...])
        for record in header.records {
          let source = UnsafeRawBufferPointer(rebasing: data[record.begin..<record.end])
          let tensor = Tensor(record.shape, type: record.type, littleEndian: source)
          try Malformed.passing { () throws(ConvoyError) in
            try result.append(tensor, named: record.name)
          }
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

    /// The largest header that the format's own library reads.
    private static let largest = 100_000_000

    /// How much of a file its header announces.
    static func extent(of beginning: [UInt8]) throws(Malformed) -> FileExtent {
      let length = try Header.length(beginning)
      guard beginning.count >= 8 + length else { return .unknown(until: 8 + length) }
      var header = Header(dataStart: 8 + length)
      try header.parse(beginning[8..<header.dataStart])
      return .atMost(header.dataStart + (header.records.last?.end ?? 0))
    }

    private init(dataStart: Int) { self.dataStart = dataStart }

    init(parsing bytes: [UInt8]) throws(Malformed) {
      let length = try Header.length(bytes)
      guard length <= bytes.count - 8 else {
        throw Malformed(
          "its header should have \(length) bytes, but only \(bytes.count - 8) follow")
      }
      self.init(dataStart: 8 + length)
      try parse(bytes[8..<dataStart])
      try checkCoverage(of: bytes.count - dataStart)
    }

    /// The header's length, which its first bytes say.
    private static func length(_ bytes: [UInt8]) throws(Malformed) -> Int {
      guard bytes.count >= 8 else {
        throw Malformed("8 bytes with the header's length are expected, got \(bytes.count)")
      }
      let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let beginnings = "{ \t\r\n".utf8
      guard length <= UInt64(largest), bytes.count == 8 || beginnings.contains(bytes[8]) else {
        throw Malformed(
          "it should begin with a header's length, at most \(largest), and the header, from ‘{’ on"
        )
      }
      return Int(length)
    }

    private mutating func parse(_ header: ArraySlice<UInt8>) throws(Malformed) {
      var scanner = HeaderScanner(header)
      var seen: Set<String> = []
      try scanner.object { (name, scanner) throws(Malformed) in
        guard seen.insert(name).inserted else { throw Malformed("it names ‘\(name)’ twice") }
        if name == Safetensors.metadataKey {
          try scanner.object { (key, scanner) throws(Malformed) in
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
    private static func record(_ name: String, _ scanner: inout HeaderScanner) throws(Malformed)
      -> Record
    {
      var type: String?
      var extents: [Int]?
      var offsets: [Int]?
      try scanner.object { (key, scanner) throws(Malformed) in
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
      let shape: Shape
      do {
        shape = try Shape(validating: extents)
      } catch {
        throw Malformed("‘\(name)’ has a shape Convoy cannot hold (\(error))")
      }
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
    private func checkCoverage(of size: Int) throws(Malformed) {
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
