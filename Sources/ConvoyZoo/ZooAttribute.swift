import ConvoyTensors

/// Something that can be chosen about a network, written `key=value`.
public struct ZooAttribute: Hashable, Sendable {
  /// Which values an attribute takes.
  public enum Values: Hashable, Sendable {
    /// Any whole number of a range.
    case wholeNumbers(ClosedRange<Int>)
    /// Any number of a range.
    case numbers(ClosedRange<Double>)
    /// One of some numbers.
    case oneOf([Double])
    /// One of some numbers of groups; each divides all these numbers of channels.
    case groups([Int], dividing: [Int])
    /// One of some words.
    case words([String])
  }

  /// Which values an attribute takes, and which it has where none is given.
  public struct Choice: Hashable, Sendable {
    /// Which values it takes.
    public let values: Values
    /// The value where none is given, as it would be typed.
    public let defaultText: String
  }

  /// What stands before the `=`.
  public let key: String
  /// What it means, in a line.
  public let meaning: String
  /// What can be chosen in the network's first form.
  public let choice: Choice
  /// What can be chosen instead in other forms, by the word that asks for the form.
  public private(set) var choicesByForm: [String: Choice] = [:]

  /// Describes an attribute.
  init(_ key: String, _ meaning: String, _ values: Values, default text: String) {
    self.key = key
    self.meaning = meaning
    choice = Choice(values: values, defaultText: text)
  }

  /// Which values it takes in the network's first form.
  public var values: Values { choice.values }

  /// The default in the network's first form, as it would be typed: `2`, `0.5`.
  public var defaultText: String { choice.defaultText }

  /// What can be chosen in a form; nil is the first.
  func choice(inForm form: String?) -> Choice { form.flatMap { choicesByForm[$0] } ?? choice }

  /// The same attribute with other values, or another default, in one form.
  func inForm(_ form: String, _ values: Values? = nil, default text: String) -> ZooAttribute {
    var copy = self
    copy.choicesByForm[form] = Choice(values: values ?? self.values, defaultText: text)
    return copy
  }
}

// MARK: - Attributes that networks share

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

  /// `channels`: those of the image.
  static func channels(default count: Int) -> ZooAttribute {
    ZooAttribute(
      "channels", "the image's channels: 1 for grey, 3 for colour", .wholeNumbers(1...1024),
      default: "\(count)")
  }

  /// `groups`: into how many groups some layers' channels are divided.
  static func groups(
    _ choices: [Int], default count: Int, dividing channels: [Int] = [], meaning: String
  ) -> ZooAttribute {
    ZooAttribute("groups", meaning, .groups(choices, dividing: channels), default: "\(count)")
  }

  /// `width`: what the numbers of channels are multiplied with.
  static func width(_ values: Values) -> ZooAttribute {
    ZooAttribute(
      "width", "what the layers' numbers of channels are multiplied with", values, default: "1")
  }

  /// `form`: which of some published forms; the first is the default.
  static func form(_ first: String, _ others: String..., meaning: String) -> ZooAttribute {
    ZooAttribute("form", meaning, .words([first] + others), default: first)
  }
}

// MARK: - Reading

extension ZooAttribute {
  /// Checks a value as it was typed, and returns it, or the default where there is none.
  ///
  /// - Parameter form: the network's form, for values that depend on it.
  /// - Throws: `ConvoyError` of kind `.argument` that says which values there are, and why.
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
  /// The attribute in a line: `groups=2: the number of towers (one of 1, 2, 4)`.
  public var description: String {
    let others = choicesByForm.sorted { $0.key < $1.key }.map { form, choice in
      (choice.values.description == values.description ? "; " : "; \(choice.values) and ")
        + "by default \(choice.defaultText) with form=\(form)"
    }
    return "\(key)=\(defaultText): \(meaning) (\(values)\(others.joined()))"
  }
}

extension ZooAttribute.Values: CustomStringConvertible {
  /// Words that go after "should be": `one of 1, 2, 4`.
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
