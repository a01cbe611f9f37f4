/// Writes machine code of x86-64, an instruction a line.
///
/// ```swift
/// let a = Assembler()
/// a.vxorps(ymm(0), ymm(0), ymm(0))
/// a.repeating(rdx) {                               // eight sums of x[i] · y[i]
///   a.vmovups(ymm(1), [rdi])
///   a.vfmadd231ps(ymm(0), ymm(1), [rsi])
///   a.add(rdi, 32)
///   a.add(rsi, 32)
/// }
/// a.vmovups([rcx], ymm(0))
/// a.vzeroupper()
/// a.ret()
/// let code = a.finish("dot product")
/// ```
///
/// Operands are in the order of Intel's manual, the destination first. Encodings are the shortest
/// ones that say exactly what was written: operands are never swapped to save a byte. A wrong
/// combination of operands is the programmer's error and stops the program with a sentence.
public final class Assembler {
  private var bytes: [UInt8] = []
  private var lines: [ListedLine]?
  var placements: [Int?] = []
  var fixups: [Fixup] = []
  var pool: [(label: Label, words: [UInt32])] = []

  /// Makes an empty assembler.
  ///
  /// - Parameter listing: Whether to keep the text of every instruction, for `listing`.
  public init(listing: Bool = false) {
    lines = listing ? [] : nil
  }

  /// The number of bytes so far.
  public var position: Int { bytes.count }

  /// What was written so far, as text; empty unless asked for when the assembler was made.
  public var listing: [ListedLine] { lines ?? [] }

  /// The code, with its constants behind it and all distances to labels written into it.
  ///
  /// All labels used must have been placed.
  ///
  /// - Parameter name: What profilers and listings call the code.
  public func finish(_ name: String) -> MachineCode {
    layConstants()
    resolveLabels()
    return MachineCode(name: name, bytes: bytes)
  }

  /// Appends a byte as it is.
  func append(_ byte: UInt8) { bytes.append(byte) }

  /// Appends a number, its low byte first.
  func append(littleEndian number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Replaces bytes by a number, its low byte first.
  func overwrite(at position: Int, littleEndian number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) {
      bytes.replaceSubrange(position..<position + $0.count, with: $0)
    }
  }

  /// Notes the text of the instruction that is about to be appended, if a listing is kept.
  func list(_ text: () -> String) {
    lines?.append(ListedLine(position: position, text: text()))
  }
}

/// Code without a place in memory yet: see `ExecutableMemory`.
public struct MachineCode: Sendable {
  /// What profilers and listings call it.
  public let name: String
  /// Its bytes, which may stand anywhere in memory.
  public let bytes: [UInt8]
}

/// A line of a listing: an instruction or a label.
public struct ListedLine: Hashable, Sendable {
  /// Where the instruction begins, in bytes from the code's beginning.
  public let position: Int
  /// The instruction in Intel's syntax.
  public let text: String
}
