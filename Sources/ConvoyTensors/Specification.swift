/// A name with attributes, in the form in which it is typed: `gratings?size=32&classes=8`.
///
/// The name is everything before the first `?`; it is followed by `key=value` pairs, separated by
/// `&`, with unique keys. Networks and data sets are named this way.
///
/// ```swift
/// let specification = try Specification(parsing: "gratings?size=48")
/// try specification.requireKeys(among: ["size", "seed"])
/// let size = try specification.integer("size", in: 8...1024) ?? 32
/// ```
public struct Specification: Hashable, Sendable {
  /// The name before the attributes.
  public let name: String

  /// The attributes' values in the form in which they were typed, by key.
  public let attributes: [String: String]

  /// Splits a name from its attributes.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` when the name is missing, an attribute is not of
  ///   the form `key=value`, or a key is repeated.
  public init(parsing text: String) throws(ConvoyError) {
    let halves = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard !halves[0].isEmpty else {
      throw ConvoyError(.argument, "A name is expected, as in ‘name?key=value’, got ‘\(text)’.")
    }
    var attributes: [String: String] = [:]
    if halves.count == 2 {
      for pair in halves[1].split(separator: "&", omittingEmptySubsequences: false) {
        let parts = pair.split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
          throw ConvoyError(
            .argument, "Attributes are written ‘?key=value&key=value’, got ‘\(pair)’ in ‘\(text)’.")
        }
        guard attributes.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
          throw ConvoyError(.argument, "The attribute ‘\(parts[0])’ comes twice in ‘\(text)’.")
        }
      }
    }
    self.name = String(halves[0])
    self.attributes = attributes
  }

  /// Checks that all attributes are known.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` that names the known ones.
  public func requireKeys(among known: [String]) throws(ConvoyError) {
    guard let unknown = attributes.keys.sorted().first(where: { !known.contains($0) }) else {
      return
    }
    let choice =
      known.isEmpty ? "takes no attributes" : "takes only \(known.joined(separator: ", "))"
    throw ConvoyError(.argument, "‘\(name)’ \(choice), got ‘\(unknown)’.")
  }

  /// The whole number of an attribute; nil if it is missing.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` when it is something else or out of range.
  public func integer(
    _ key: String, in range: ClosedRange<Int> = .min ... .max
  ) throws(ConvoyError) -> Int? {
    guard let text = attributes[key] else { return nil }
    guard let value = Int(text), range.contains(value) else {
      let whole = range == .min ... .max
      throw malformed(
        key, "a whole number\(whole ? "" : " from \(range.lowerBound) to \(range.upperBound)")")
    }
    return value
  }

  /// The number of an attribute; nil if it is missing.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` when it is something else or out of range.
  public func number(
    _ key: String,
    in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
  ) throws(ConvoyError) -> Double? {
    guard let text = attributes[key] else { return nil }
    guard let value = Double(text), range.contains(value) else {
      let whole = range.upperBound == .greatestFiniteMagnitude
      throw malformed(
        key, "a number\(whole ? "" : " from \(range.lowerBound) to \(range.upperBound)")")
    }
    return value
  }

  /// The truth value of an attribute, `true` or `false`; nil if it is missing.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` when it is neither.
  public func flag(_ key: String) throws(ConvoyError) -> Bool? {
    guard let text = attributes[key] else { return nil }
    guard let value = Bool(text) else { throw malformed(key, "true or false") }
    return value
  }

  /// The word of an attribute, which must be one of some words; nil if it is missing.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` when it is none of them.
  public func choice(_ key: String, among words: [String]) throws(ConvoyError) -> String? {
    guard let text = attributes[key] else { return nil }
    guard words.contains(text) else {
      throw malformed(key, "one of \(words.joined(separator: ", "))")
    }
    return text
  }

  private func malformed(_ key: String, _ expected: String) -> ConvoyError {
    ConvoyError(
      .argument, "‘\(key)’ of ‘\(name)’ should be \(expected), got ‘\(attributes[key] ?? "")’.")
  }
}

extension Specification: CustomStringConvertible {
  /// The name and its attributes in the form in which they are typed, sorted by key.
  public var description: String {
    let pairs = attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return pairs.isEmpty ? name : "\(name)?\(pairs.joined(separator: "&"))"
  }
}
