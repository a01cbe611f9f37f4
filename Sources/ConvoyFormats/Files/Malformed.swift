import ConvoyTensors

/// Why bytes cannot be read: what is wrong with them, or what else failed on the way.
enum Malformed: Error {
  /// What is wrong, as a clause without a subject: the parser that finds it does not know what the bytes are
  /// called.
  case reason(String)
  /// Another failure, such as a missing library, told in full.
  case failure(ConvoyError)

  init(_ reason: String) { self = .reason(reason) }

  /// Runs a parser, turning what it finds wrong into a sentence about where the bytes came from.
  ///
  /// Where the bytes are of another kind, that is what is said of them.
  ///
  /// - Parameters:
  ///   - source: the file's path, or nil for bytes that come from elsewhere.
  ///   - format: what the bytes should be, with its article.
  ///   - kinds: the kinds of content that have the format.
  ///   - bytes: the bytes, or as many of the first as are there.
  static func explain<Result>(
    _ source: String?, asNot format: String, of kinds: [ContentKind], _ bytes: [UInt8],
    _ parse: () throws(Malformed) -> Result
  ) throws(ConvoyError) -> Result {
    do {
      return try parse()
    } catch {
      switch error {
      case .failure(let failure): throw failure
      case .reason(let reason):
        let subject = source.map { "‘\($0)’ is" } ?? "These bytes are"
        let other = ContentKind(of: bytes).flatMap { kinds.contains($0) ? nil : $0 }
        let got = other.map { "it seems to be \($0)" } ?? reason
        throw ConvoyError(.format, "\(subject) not \(format) that can be read: \(got).")
      }
    }
  }

  /// Runs what fails with a full sentence.
  static func passing<Result>(
    _ body: () throws(ConvoyError) -> Result
  ) throws(Malformed) -> Result {
    do {
      return try body()
    } catch {
      throw .failure(error)
    }
  }
}
