import ConvoyTensors
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Calls a closure with a new empty folder, which goes afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let files = FileManager.default
  let folder = files.temporaryDirectory.appendingPathComponent("convoy-\(UUID().uuidString)").path
  try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? files.removeItem(atPath: folder) }
  return try body(folder)
}

/// The names in a folder, hidden ones too, sorted.
func names(in folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

/// Makes a folder and those above it.
func makeFolder(_ path: String) throws {
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
}

/// A file's permission bits.
func permissions(of path: String) throws -> Int {
  var status = stat()
  try #require(stat(path, &status) == 0)
  return Int(status.st_mode & 0o777)
}

/// Expects one full sentence, as every message of Convoy is, with all of some words.
func expectSentence(
  _ kind: ConvoyError.Kind, _ words: String..., from body: () throws -> Void,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = #expect(throws: ConvoyError.self, sourceLocation: sourceLocation) { try body() }
  guard let error else { return }
  #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
  #expect(error.message.last == ".", "\(error)", sourceLocation: sourceLocation)
  for word in words {
    #expect(error.message.contains(word), sourceLocation: sourceLocation)
  }
}

/// Damages valid bytes in many seeded ways and hands each to a parser, which may throw nothing but
/// `ConvoyError`. Every truncation of the first bytes is among them, since headers live there.
///
/// - Returns: how many of the damaged inputs were refused.
@discardableResult
func mutate(
  _ valid: [UInt8], times: Int, seed: UInt64, parse: ([UInt8]) throws -> Void,
  sourceLocation: SourceLocation = #_sourceLocation
) -> Int {
  var random = Random(seed: seed)
  var inputs = (0..<min(valid.count, 128)).map { Array(valid[..<$0]) }
  for _ in 0..<times {
    var bytes = valid
    switch random.below(4) {
    case 0: bytes.removeLast(1 + random.below(bytes.count))
    case 1: bytes[random.below(bytes.count)] = UInt8(random.below(256))
    case 2: bytes[random.below(min(64, bytes.count))] = [0, 0x7F, 0x80, 0xFF][random.below(4)]
    default:
      let from = random.below(bytes.count)
      bytes.insert(contentsOf: bytes[from...].prefix(random.below(32)), at: from)
    }
    inputs.append(bytes)
  }
  var refused = 0
  for input in inputs {
    do {
      try parse(input)
    } catch {
      refused += 1
      let message = (error as? ConvoyError)?.message
      #expect(message?.last == ".", "\(error)", sourceLocation: sourceLocation)
    }
  }
  return refused
}
