import Convoy

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What is known of a model besides its network: how an exported model says it in its metadata.
struct ModelNotes {
  /// The names of the classes, in the order of the scores.
  var classNames: [String]?
  /// How pictures become numbers, of values from 0 to 1.
  var normalization: Normalization?
  /// Whether the outputs are probabilities already.
  var areProbabilities = false

  init(
    classNames: [String]? = nil, normalization: Normalization? = nil,
    areProbabilities: Bool = false
  ) {
    self.classNames = classNames
    self.normalization = normalization
    self.areProbabilities = areProbabilities
  }

  /// The keys of the metadata. Lists are JSON.
  private enum Key {
    static let classes = "classes"
    static let mean = "mean"
    static let deviation = "std"
    static let layout = "input_layout"
    static let output = "output"
    static let version = "convoy_version"
    /// What Ultralytics writes, a dictionary of Python: `{0: 'cat', 1: 'dog'}`.
    static let names = "names"
  }

  /// What a model's metadata says.
  init(metadata: [String: String]) {
    func list<Element: Decodable>(_ key: String) -> [Element]? {
      metadata[key].flatMap { try? JSONDecoder().decode([Element].self, from: Data($0.utf8)) }
    }
    classNames = list(Key.classes) ?? metadata[Key.names].flatMap(ModelNotes.names(python:))
    let (mean, deviation): ([Float]?, [Float]?) = (list(Key.mean), list(Key.deviation))
    if let mean, let deviation, mean.count == deviation.count, !mean.isEmpty,
      (mean + deviation).allSatisfy(\.isFinite), deviation.allSatisfy({ $0 > 0 })
    {
      normalization = Normalization(mean: mean, deviation: deviation)
    }
    areProbabilities = metadata[Key.output] == "probabilities"
  }

  /// The metadata that says this.
  func metadata() throws(ConvoyError) -> [String: String] {
    var metadata = [
      Key.version: ConvoyCommand.version, Key.layout: "NCHW",
      Key.output: areProbabilities ? "probabilities" : "scores",
    ]
    if let classNames { metadata[Key.classes] = try classNames.json() }
    if let normalization {
      metadata[Key.mean] = try normalization.mean.json()
      metadata[Key.deviation] = try normalization.deviation.json()
    }
    return metadata
  }

  /// The names in a dictionary as Python prints it, if its keys are 0, 1, 2 …
  private static func names(python text: String) -> [String]? {
    var rest = text[...]
    func skip(_ character: Character) -> Bool {
      rest = rest.drop { $0 == " " }
      guard rest.first == character else { return false }
      rest.removeFirst()
      return true
    }
    var names: [String] = []
    guard skip("{") else { return nil }
    while !skip("}") {
      rest = rest.drop { $0 == " " }
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard Int(digits) == names.count else { return nil }
      rest = rest.dropFirst(digits.count)
      guard skip(":") else { return nil }
      rest = rest.drop { $0 == " " }
      guard let quote = rest.popFirst(), "'\"".contains(quote),
        let end = rest.firstIndex(of: quote), !rest[..<end].contains("\\")
      else { return nil }
      names.append(String(rest[..<end]))
      rest = rest[rest.index(after: end)...]
      guard skip(",") || rest.first(where: { $0 != " " }) == "}" else { return nil }
    }
    return names.isEmpty ? nil : names
  }
}
