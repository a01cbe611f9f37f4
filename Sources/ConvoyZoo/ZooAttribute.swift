import ConvoyTensors

/// A parameter of a network in the zoo, written `key=value`.
public struct ZooAttribute: Hashable, Sendable {
  /// The values that an attribute accepts.
  public enum Values: Hashable, Sendable {
    /// Any integer in a range.
    case wholeNumbers(ClosedRange<Int>)
    /// Any number in a range.
    case numbers(ClosedRange<Double>)
    /// One of several numbers.
    case oneOf([Double])
    /// One of several numbers of groups, each of which divides all these numbers of channels.
    case groups([Int], dividing: [Int])
    /// One of several words.
    case words([String])
  }

  /// The values that an attribute accepts, and its default.
  public struct Choice: Hashable, Sendable {
    /// The accepted values.
    public let values: Values
    /// The default, as a user would type it.
    public let defaultText: String
  }

  /// The text before the `=`.
  public let key: String
  /// A description of one line.
  public let meaning: String
  /// The values and the default in the network's first form.
  public let choice: Choice
  /// Other values and defaults, by the word that selects the form.
  public private(set) var choicesByForm: [String: Choice] = [:]

  /// Describes an attribute.
  init(_ key: String, _ meaning: String, _ values: Values, default text: String) {
    self.key = key
    self.meaning = meaning
    choice = Choice(values: values, defaultText: text)
  }

  /// The accepted values in the network's first form.
  public var values: Values { choice.values }

  /// The default in the network's first form, as a user would type it: `2`, `0.5`.
  public var defaultText: String { choice.defaultText }

  /// The values and the default in a form; nil selects the first.
  func choice(inForm form: String?) -> Choice { form.flatMap { choicesByForm[$0] } ?? choice }

  /// The same attribute with other values, or another default, in one form.
  func inForm(_ form: String, _ values: Values? = nil, default text: String) -> ZooAttribute {
    var copy = self
    copy.choicesByForm[form] = Choice(values: values ?? self.values, defaultText: text)
    return copy
  }
}

// MARK: - Attributes of several networks

extension ZooAttribute {
  /// `classes`: the number of scores.
  static func classes(default count: Int) -> ZooAttribute {
    ZooAttribute(
      "classes", "how many scores come out", .wholeNumbers(1...100_000), default: "\(count)")
  }

  /// `size`: the image's height and width.
  static func size(_ range: ClosedRange<Int>, default size: Int) -> ZooAttribute {
    ZooAttribute(
      "size", "the image's height and width in pixels", .wholeNumbers(range), default: "\(size)")
  }

  /// `channels`: the image's channels.
  static func channels(default count: Int) -> ZooAttribute {
    ZooAttribute(
      "channels", "the image's channels: 1 for grey, 3 for colour", .wholeNumbers(1...1024),
      default: "\(count)")
  }

  /// `groups`: the number of groups in some layers.
  static func groups(
    _ choices: [Int], default count: Int, dividing channels: [Int] = [], meaning: String
  ) -> ZooAttribute {
    ZooAttribute("groups", meaning, .groups(choices, dividing: channels), default: "\(count)")
  }

  /// `width`: the factor of the numbers of channels.
  static func width(_ values: Values) -> ZooAttribute {
    ZooAttribute(
      "width", "what the layers' numbers of channels are multiplied with", values, default: "1")
  }

  /// `form`: one of several published forms, of which the first is the default.
  static func form(_ first: String, _ others: String..., meaning: String) -> ZooAttribute {
    ZooAttribute("form", meaning, .words([first] + others), default: first)
  }
}

// MARK: - Reading

extension ZooAttribute {
  /// Checks a value that a user typed, and returns it, or the default if there is none.
  ///
  /// - Parameter form: the network's form, because values may depend on it.
  /// - Throws: `ConvoyError` of kind `.argument` with the accepted values, and the reason.
  func value(_ text: String?, form: String?, network: String) throws(ConvoyError) -> String {
    let choice = choice(inForm: form)
    guard let text else { return choice.defaultText }
    switch choice.values {
    case .wholeNumbers(let range):
      if let number = Int(text), range.contains(number) { return text }
    case .numbers(let range):
      if let number = Double(text), range.contains(number) { return text }
    case .oneOf(let numbers):
      if let number = Double(text), numbers.contains(number) { return text }
    case .words(let words):
      if words.contains(text) { return text }
    case .groups(let choices, let channels):
      guard let number = Int(text) else { break }
      if choices.contains(number) { return text }
      if number > 0, let odd = channels.first(where: { $0 % number != 0 }) {
        throw refusal(
          text, choice, form, network,
          because: "\(odd) channels do not divide into \(number) groups")
      }
    }
    throw refusal(text, choice, form, network)
  }

  private func refusal(
    _ text: String, _ choice: Choice, _ form: String?, _ network: String,
    because reason: String? = nil
  ) -> ConvoyError {
    let isSpecial = form.map { choicesByForm[$0] != nil } ?? false
    let owner = isSpecial ? "‘\(network)?form=\(form ?? "")’" : "‘\(network)’"
    return ConvoyError(
      .argument,
      "‘\(key)’ of \(owner) should be \(choice.values), got ‘\(text)’"
        + (reason.map { ": \($0)." } ?? "."))
  }
}

// MARK: - Printing

extension ZooAttribute: CustomStringConvertible {
  /// The attribute in one line: `groups=2: the number of towers (one of 1, 2, 4)`.
  public var description: String {
    let others = choicesByForm.sorted { $0.key < $1.key }.map { form, choice in
      (choice.values.description == values.description ? "; " : "; \(choice.values) and ")
        + "by default \(choice.defaultText) with form=\(form)"
    }
    return "\(key)=\(defaultText): \(meaning) (\(values)\(others.joined()))"
  }
}

extension ZooAttribute.Values: CustomStringConvertible {
  /// The continuation of "should be": `one of 1, 2, 4`.
  public var description: String {
    switch self {
    case .wholeNumbers(let range):
      "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .numbers(let range):
      "a number from \(short(range.lowerBound)) to \(short(range.upperBound))"
    case .oneOf(let numbers): "one of \(numbers.map(short).joined(separator: ", "))"
    case .groups(let choices, _): "one of \(choices.map(String.init).joined(separator: ", "))"
    case .words(let words): "one of \(words.joined(separator: ", "))"
    }
  }

  /// `2`, `0.5`.
  private func short(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? String(number)
  }
}
