public import ConvoyTensors

/// One tensor, as a `.npy` file holds it.
///
/// Reading takes versions 1 to 3 of the format; truth values, integers of 1 to 8 bytes and floats of 2, 4 or
/// 8 bytes, of either byte order; elements in C's order or Fortran's. The tensor has the file's type.
/// Writing writes little-endian elements of the tensor's type in C's order; bfloat16, which NumPy lacks, as
/// 32-bit floats.
///
/// Source: NumPy Enhancement Proposal 1, and `numpy.lib.format`.
public struct NumPyArray: Hashable, Sendable {
  /// The tensor.
  public let tensor: Tensor

  /// Takes a tensor, to write it.
  public init(_ tensor: Tensor) { self.tensor = tensor }

  /// What every file begins with.
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Whether bytes begin as a `.npy` file does.
  public static func isBeginning(of bytes: [UInt8]) -> Bool { bytes.starts(with: magic) }

  // MARK: Reading

  /// Reads a file.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when it cannot be read, of kind `.format` when it is not
  ///   what the format asks for.
  /// - Complexity: O(*n*) in the file's size; holds the file and its tensor at once.
  public init(contentsOf path: String) throws(ConvoyError) {
    try self.init(parsing: try NumPyArray.bytes(of: path), source: path)
  }

  /// The bytes of a file: no more than its header announces, and one, which tells that there are more.
  private static func bytes(of path: String) throws(ConvoyError) -> [UInt8] {
    try WholeFile.read(path) { beginning throws(ConvoyError) in
      try Malformed.explain(path, asNot: "a .npy file", of: [.numPy], beginning) {
        () throws(Malformed) in
        let (header, start) = try NumPyHeader.parse(beginning)
        return .atMost(start + header.byteCount)
      }
    }
  }

  /// Reads the bytes of a file.
  ///
  /// Before the tensor is made, its size is checked against the number of bytes that follow the header:
  /// there must be exactly as many as it takes.
  ///
  /// - Parameter source: the file's path, for messages; nil for bytes that come from elsewhere.
  /// - Throws: `ConvoyError` of kind `.format` when they are not what the format asks for.
  /// - Complexity: O(*n*) in the number of bytes.
  public init(parsing bytes: [UInt8], source: String? = nil) throws(ConvoyError) {
    tensor = try Malformed.explain(source, asNot: "a .npy file", of: [.numPy], bytes) {
      () throws(Malformed) in
      let (header, start) = try NumPyHeader.parse(bytes)
      let size = header.byteCount
      guard bytes.count - start == size else {
        throw Malformed(
          "its elements of shape \(header.shape) take \(size) bytes, but \(bytes.count - start) follow "
            + "the header")
      }
      var data = Array(bytes[start...])
      if header.isBigEndian { data.reverseBytes(ofElementsOfSize: header.type.size) }
      // In Fortran's order the elements are those of the transposed tensor in C's.
      let stored = header.isFortran ? Shape(header.shape.dimensions.reversed()) : header.shape
      let tensor = data.withUnsafeBytes { data in
        Tensor(stored, type: header.type, littleEndian: data)
      }
      guard header.isFortran else { return tensor }
      return try Malformed.passing { () throws(ConvoyError) in try tensor.transposed() }
    }
  }

  // MARK: Writing

  /// Writes a file, replacing it as a whole or not at all.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when the file cannot be written.
  public func write(to path: String) throws(ConvoyError) {
    try AtomicFile.write(try encoded(), to: path)
  }

  /// The bytes that `write(to:)` puts into a file.
  ///
  /// - Throws: `ConvoyError` when the tensor's elements cannot be read from their source.
  /// - Complexity: O(*n*) in the number of elements.
  public func encoded() throws(ConvoyError) -> [UInt8] {
    let tensor = tensor.type.numPyName == nil ? tensor.converted(to: .float32) : tensor
    let type = (tensor.type.size == 1 ? "|" : "<") + (tensor.type.numPyName ?? "")
    let extents = tensor.shape.dimensions.map(String.init)
    let shape = extents.count == 1 ? "\(extents[0])," : extents.joined(separator: ", ")
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }"
    // Magic, version and the header's length take 10 bytes; the data begins at a multiple of 64.
    let length = (10 + header.utf8.count + 1 + 63) / 64 * 64 - 10
    header += String(repeating: " ", count: length - header.utf8.count - 1) + "\n"
    try AvailableMemory.require(tensor.byteCount, for: "The bytes of a .npy file")
    var bytes = NumPyArray.magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
    bytes.reserveCapacity(bytes.count + length + tensor.byteCount)
    bytes += Array(header.utf8)
    try tensor.withLittleEndianBytes { (elements) throws(ConvoyError) in
      bytes.append(contentsOf: elements)
    }
    return bytes
  }
}

extension [UInt8] {
  /// Turns the bytes of every element round: from big-endian to little-endian.
  fileprivate mutating func reverseBytes(ofElementsOfSize size: Int) {
    for start in stride(from: 0, to: count, by: size) {
      self[start..<start + size].reverse()
    }
  }
}
