/// A growing buffer of machine code, with labels and constants: the part that assemblers of all
/// instruction sets share.
public class CodeBuffer {
  private var bytes: [UInt8] = []
  private var lines: [ListedLine]?
  var placements: [Int?] = []
  var fixups: [Fixup] = []
  var pool: [(label: Label, words: [UInt32])] = []

  /// Makes an empty buffer.
  ///
  /// - Parameter listing: Whether to keep the text of every instruction, for `listing`.
  init(listing: Bool) {
    lines = listing ? [] : nil
  }

  /// The number of bytes so far.
  public var position: Int { bytes.count }

  /// The listing of the code so far; empty unless it was requested when the buffer was made.
  public var listing: [ListedLine] { lines ?? [] }

  /// The code, followed by its constants, with all distances to labels written into it.
  ///
  /// All labels used must have been placed.
  ///
  /// - Parameter name: The code's name in profilers and listings.
  public func finish(_ name: String) -> MachineCode {
    layConstants()
    resolveLabels()
    return MachineCode(name: name, bytes: bytes)
  }

  /// Pads with instructions without effect, up to a multiple of `alignment` bytes.
  ///
  /// Finished code is placed at multiples of 64, so larger alignments have no meaning.
  public func align(to alignment: Int) {
    precondition(
      (1...64).contains(alignment) && alignment.nonzeroBitCount == 1,
      "code is aligned to a power of two up to 64, not \(alignment)")
    pad(bytes: -position & (alignment - 1))
  }

  /// Appends a number of bytes that have no effect when they are executed; each assembler overrides
  /// it.
  func pad(bytes count: Int) {
    for _ in 0..<count { append(0) }
  }

  /// Appends a byte as it is.
  func append(_ byte: UInt8) { bytes.append(byte) }

  /// Appends a number, its low byte first.
  func append(littleEndian number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Replaces four bytes, read as a number whose low byte comes first.
  func rewrite(at position: Int, _ body: (UInt32) -> UInt32) {
    let old = (0..<4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[position + $1]) }
    withUnsafeBytes(of: body(old).littleEndian) {
      bytes.replaceSubrange(position..<position + $0.count, with: $0)
    }
  }

  /// Lists the text of the instruction that is appended next, if a listing is kept.
  func list(_ text: () -> String) {
    lines?.append(ListedLine(position: position, text: text()))
  }
}

/// Code that is not in executable memory yet: see `ExecutableMemory`.
public struct MachineCode: Sendable {
  /// The code's name in profilers and listings.
  public let name: String
  /// Its bytes, which are independent of their address.
  public let bytes: [UInt8]
}

/// A line of a listing: an instruction or a label.
public struct ListedLine: Hashable, Sendable {
  /// The beginning of the instruction, in bytes from the code's beginning.
  public let position: Int
  /// The instruction in the syntax of the vendor's manual.
  public let text: String
}
