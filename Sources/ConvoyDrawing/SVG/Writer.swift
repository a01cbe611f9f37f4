/// Formats text for XML.
enum XMLText {
  /// Escapes XML's special characters, and replaces those that XML does not allow.
  ///
  /// Names of layers come from files, and may contain anything.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result += " "
      default: result.unicodeScalars.append(isAllowed(scalar) ? scalar : "\u{FFFD}")
      }
    }
    return result
  }

  private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F, 0xFFFE...0xFFFF: false
    // Bidirectional control characters: they would reorder the text around a name.
    case 0x202A...0x202E, 0x2066...0x2069: false
    default: true
    }
  }
}

/// Writes a tree of elements as text.
struct SVGWriter {
  /// The prefix of identifiers, classes and animations.
  let prefix: String
  private(set) var text = ""
  /// The classes of the colours that were used, for the style sheet.
  private(set) var classes: Set<ToneClass> = []

  init(prefix: String = "") { self.prefix = prefix }

  mutating func write(_ element: Element) {
    text += "<\(element.name)"
    var names: [String] = []
    for use in [
      element.fill.map { ToneClass(tone: $0, isStroke: false) },
      element.stroke.map { ToneClass(tone: $0, isStroke: true) },
    ].compactMap({ $0 }) {
      classes.insert(use)
      names.append(prefix + use.name)
    }
    for (key, value) in element.attributes {
      if key == "class" {
        names.append(prefix + value)
      } else {
        text += " \(key)=\"\(XMLText.escaped(named(key, value)))\""
      }
    }
    if !names.isEmpty { text += " class=\"\(names.joined(separator: " "))\"" }
    if element.children.isEmpty, element.text == nil {
      text += "/>"
      return
    }
    text += ">"
    if let inner = element.text { text += XMLText.escaped(inner) }
    for child in element.children { write(child) }
    text += "</\(element.name)>"
    if element.name == "g" { text += "\n" }
  }

  /// The value of an attribute, with the prefix if it is an identifier.
  private func named(_ key: String, _ value: String) -> String {
    switch key {
    case _ where prefix.isEmpty: return value
    case "id": return prefix + value
    case "href" where value.first == "#": return "#" + prefix + value.dropFirst()
    case "style" where value.hasPrefix(Element.animationName):
      return Element.animationName + prefix + value.dropFirst(Element.animationName.count)
    default: return value
    }
  }
}
