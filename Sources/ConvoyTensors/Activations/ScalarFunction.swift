/// A function of one number and its derivative, by name: `.relu`, `.clip(low: 0, high: 6)`.
///
/// Its formulas are those of an activation: see `Activations.all`.
public struct ScalarFunction: Hashable, Sendable {
  package let activation: any Activation

  package init(_ activation: any Activation) { self.activation = activation }

  /// f(x).
  public func callAsFunction(_ x: Double) -> Double { activation.value(at: x) }

  /// f′(x); at a kink, the derivative from the left.
  public func derivative(_ x: Double) -> Double { activation.derivative(at: x) }

  /// The name in saved graphs, which does not depend on parameters.
  public var name: String { type(of: activation).name }

  /// A short name for pictures and tables.
  public var label: String { activation.label }

  /// Checks the parameters; throws an error of kind `.attribute`.
  public func validate() throws(ConvoyError) { try activation.validate() }

  /// Whether two functions are of the same kind and have equal parameters.
  public static func == (a: ScalarFunction, b: ScalarFunction) -> Bool {
    a.activation.isEqual(to: b.activation)
  }

  /// Hashes the kind and its parameters.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(type(of: activation)))
    activation.hash(into: &hasher)
  }
}

extension ScalarFunction: CustomStringConvertible {
  /// The name, with the parameters if there are any.
  public var description: String {
    let parameters = Mirror(reflecting: activation).children.map {
      "\($0.label ?? ""): \($0.value)"
    }
    return parameters.isEmpty ? name : "\(name)(\(parameters.joined(separator: ", ")))"
  }
}

/// The saved form is an object of one key, the name, whose value has the parameters by their names.
extension ScalarFunction: Codable {
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Writes the saved form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    try container.encode(activation, forKey: Name(stringValue: name))
  }

  /// Reads the saved form.
  ///
  /// - Throws: `DecodingError` where there is no activation of the name, or a parameter is missing.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    func damaged(_ sentence: String) -> DecodingError {
      .dataCorrupted(.init(codingPath: container.codingPath, debugDescription: sentence))
    }
    guard let key = container.allKeys.first, container.allKeys.count == 1 else {
      throw damaged("expected the name of one function, got \(container.allKeys.count)")
    }
    guard let kind = Activations.all.first(where: { $0.name == key.stringValue }) else {
      throw damaged("expected the name of a function, got \(key.stringValue)")
    }
    activation = try container.decode(kind, forKey: key)
  }
}
