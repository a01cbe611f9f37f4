public import ConvoyGraphs
public import ConvoyTensors

/// A network of the zoo: its description, its source and how it is built.
public struct ZooEntry: Sendable {
  /// The name in specifications.
  public let name: String
  /// A description of one line.
  public let summary: String
  /// The publication.
  public let source: String
  /// The attributes, each with a default.
  public let attributes: [ZooAttribute]

  private let build: @Sendable (ZooSettings) throws(ConvoyError) -> Network

  /// Describes an entry.
  ///
  /// - Parameter build: builds the network from a value for each of `attributes`, in range.
  init(
    _ name: String, summary: String, source: String, attributes: [ZooAttribute],
    build: @escaping @Sendable (ZooSettings) throws(ConvoyError) -> Network
  ) {
    self.name = name
    self.summary = summary
    self.source = source
    self.attributes = attributes
    self.build = build
  }

  /// Builds the network.
  ///
  /// - Parameter given: attributes' values as a user typed them; the others have their defaults.
  /// - Throws: `ConvoyError` of kind `.argument` when a key or a value is unknown.
  public func network(_ given: [String: String] = [:]) throws(ConvoyError) -> Network {
    for key in given.keys.sorted() where !attributes.contains(where: { $0.key == key }) {
      throw ConvoyError(
        .argument, unknown("attribute", key, of: "‘\(name)’", known: attributes.map(\.key)))
    }
    var values: [String: String] = [:]
    let forms = attributes.first { $0.key == "form" }
    let form = try forms?.value(given["form"], form: nil, network: name)
    for attribute in attributes {
      values[attribute.key] = try attribute.value(
        given[attribute.key], form: form, network: name)
    }
    return try network(unchecked: values)
  }

  /// Builds the network from values that may be out of range.
  ///
  /// - Throws: `ConvoyError` that names the first layer that does not fit.
  func network(unchecked values: [String: String]) throws(ConvoyError) -> Network {
    try build(ZooSettings(values))
  }
}

/// The values of an entry's attributes.
struct ZooSettings: Sendable {
  private let values: [String: String]

  init(_ values: [String: String]) { self.values = values }

  /// The value of an attribute that takes whole numbers.
  subscript(key: String) -> Int { Int(number(key)) }

  /// The value of an attribute that takes numbers.
  func number(_ key: String) -> Double {
    guard let number = Double(word(key)) else {
      preconditionFailure("The entry reads the attribute \(key) as a number, which it is not.")
    }
    return number
  }

  /// The value of an attribute that takes words.
  ///
  /// - Precondition: the entry declares the attribute.
  func word(_ key: String) -> String {
    guard let value = values[key] else {
      preconditionFailure("The entry reads the attribute \(key), but does not declare it.")
    }
    return value
  }
}
