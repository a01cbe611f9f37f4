public import ConvoyGraphs
import ConvoyTensors

/// A network of the zoo: what it is, where it comes from, and how it is built.
public struct ZooEntry: Sendable {
  /// The name by which it is asked for.
  public let name: String
  /// What it is, in a line.
  public let summary: String
  /// Where it was published.
  public let source: String
  /// What can be chosen, each with a default.
  public let attributes: [ZooAttribute]

  private let build: @Sendable (ZooSettings) throws -> Network

  /// Describes an entry.
  ///
  /// - Parameter build: makes the network; it is given a value for each of `attributes`, in range.
  init(
    _ name: String, summary: String, source: String, attributes: [ZooAttribute],
    build: @escaping @Sendable (ZooSettings) throws -> Network
  ) {
    self.name = name
    self.summary = summary
    self.source = source
    self.attributes = attributes
    self.build = build
  }

  /// Describes the network.
  ///
  /// - Parameter given: attributes' values as they were typed; the rest have their defaults.
  /// - Throws: `ConvoyError` of kind `.argument` when a key or a value is not one of those known.
  public func network(_ given: [String: String] = [:]) throws -> Network {
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

  /// Describes the network from values that may be out of range.
  ///
  /// - Throws: `ConvoyError` naming the first layer that does not fit.
  func network(unchecked values: [String: String]) throws -> Network {
    try build(ZooSettings(values))
  }
}

/// The value of each of an entry's attributes.
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
