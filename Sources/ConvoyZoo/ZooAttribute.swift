import ConvoyTensors

/// Something that can be chosen about a network, written `key=value`.
public struct ZooAttribute: Hashable, Sendable {
  /// Which values an attribute takes.
  public enum Values: Hashable, Sendable {
    /// Any whole number of a range.
    case wholeNumbers(ClosedRange<Int>)
    /// Any number of a range.
    case numbers(ClosedRange<Double>)
    /// One of some numbers of groups; each divides all these numbers of channels.
    case groups([Int], dividing: [Int])
  }

  /// What stands before the `=`.
  public let key: String
  /// What it means, in a line.
  public let meaning: String
  /// Which values it takes.
  public let values: Values
  /// The value where none is given; a whole number unless `values` are `numbers`.
  public let defaultValue: Double
}

// MARK: - Attributes that networks share

extension ZooAttribute {
  /// `classes`: the number of scores.
  static func classes(default count: Int) -> ZooAttribute {
    ZooAttribute(
      key: "classes", meaning: "how many scores come out", values: .wholeNumbers(1...100_000),
      defaultValue: Double(count))
  }

  /// `size`: the image's height and width.
  static func size(_ range: ClosedRange<Int>, default size: Int) -> ZooAttribute {
    ZooAttribute(
      key: "size", meaning: "the image's height and width in pixels", values: .wholeNumbers(range),
      defaultValue: Double(size))
  }

  /// `channels`: those of the image.
  static func channels(default count: Int) -> ZooAttribute {
    ZooAttribute(
      key: "channels", meaning: "the image's channels: 1 for grey, 3 for colour",
      values: .wholeNumbers(1...1024), defaultValue: Double(count))
  }

  /// `groups`: into how many groups some layers' channels are divided.
  static func groups(
    _ choices: [Int], default count: Int, dividing channels: [Int], meaning: String
  ) -> ZooAttribute {
    ZooAttribute(
      key: "groups", meaning: meaning, values: .groups(choices, dividing: channels),
      defaultValue: Double(count))
  }

  /// `width`: what the numbers of channels are multiplied with.
  static func width(_ range: ClosedRange<Double>) -> ZooAttribute {
    ZooAttribute(
      key: "width", meaning: "what the layers' numbers of channels are multiplied with",
      values: .numbers(range), defaultValue: 1)
  }
}

// MARK: - Reading

extension ZooAttribute {
  /// Reads a value as it was typed, or returns the default where there is none.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` that says which values there are, and why.
  func value(_ text: String?, network: String) throws(ConvoyError) -> Double {
    guard let text else { return defaultValue }
    switch values {
    case .wholeNumbers(let range):
      if let number = Int(text), range.contains(number) { return Double(number) }
    case .numbers(let range):
      if let number = Double(text), range.contains(number) { return number }
    case .groups(let choices, let channels):
      guard let number = Int(text) else { break }
      if choices.contains(number) { return Double(number) }
      if number > 0, let odd = channels.first(where: { $0 % number != 0 }) {
        throw refusal(text, network, because: "\(odd) channels do not divide into \(number) groups")
      }
    }
    throw refusal(text, network)
  }

  private func refusal(
    _ text: String, _ network: String, because reason: String? = nil
  ) -> ConvoyError {
    ConvoyError(
      .argument,
      "‘\(key)’ of ‘\(network)’ should be \(values), got ‘\(text)’"
        + (reason.map { ": \($0)." } ?? "."))
  }
}

// MARK: - Printing

extension ZooAttribute {
  /// The default as it would be typed: `2`, `0.5`.
  public var defaultText: String {
    Int(exactly: defaultValue).map(String.init) ?? String(defaultValue)
  }
}

extension ZooAttribute: CustomStringConvertible {
  /// The attribute in a line: `groups=2: the number of towers (one of 1, 2, 4)`.
  public var description: String { "\(key)=\(defaultText): \(meaning) (\(values))" }
}

extension ZooAttribute.Values: CustomStringConvertible {
  /// Words that go after "should be": `one of 1, 2, 4`.
  public var description: String {
    switch self {
    case .wholeNumbers(let range):
      "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .numbers(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .groups(let choices, _): "one of \(choices.map(String.init).joined(separator: ", "))"
    }
  }
}
