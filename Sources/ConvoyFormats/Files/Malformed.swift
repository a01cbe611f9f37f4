import ConvoyTensors

/// What is wrong with some bytes, as a clause without a subject: the parser that finds it does not
/// know what the bytes are called.
struct Malformed: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }

  /// Runs a parser, turning what it finds wrong into a sentence about where the bytes came from.
  ///
  /// - Parameters:
  ///   - source: the file's path, or nil for bytes that come from elsewhere.
  ///   - format: what the bytes should be, with its article: "a safetensors file".
  static func explain<Result>(
    _ source: String?, asNot format: String, _ parse: () throws -> Result
  ) throws -> Result {
    do {
      return try parse()
    } catch let malformed as Malformed {
      let subject = source.map { "‘\($0)’ is" } ?? "These bytes are"
      throw ConvoyError(.format, "\(subject) not \(format) that can be read: \(malformed.reason).")
    }
  }
}
