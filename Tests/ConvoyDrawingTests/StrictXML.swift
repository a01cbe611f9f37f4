@testable import ConvoyDrawing
import Testing

/// A strict reader of the XML that pictures are written in; says what is wrong, or nothing.
struct StrictXML {
  private var rest: Substring.UnicodeScalarView
  private var open: [String] = []
  /// The names of all elements, in the order they begin.
  private(set) var elements: [String] = []
  /// The values of all `id` attributes.
  private(set) var identifiers: Set<String> = []
  /// What `href` and `url(#…)` ask for.
  private(set) var references: Set<String> = []
  /// The text of `text` elements.
  private(set) var texts: [String] = []
  /// What is drawn and where, in the coordinates of the page.
  private(set) var drawn: [(what: String, box: Box)] = []
  /// The transformations of the open elements, the innermost last.
  private var frames: [(offset: Point, scale: Double)] = [(Point(0, 0), 1)]
  /// The boxes of shapes that are shown elsewhere.
  private var shapes: [String: [Box]] = [:]
  private var openShape: String?
  private var lastText: [String: String] = [:]

  struct Malformed: Error, CustomStringConvertible {
    var description: String
  }

  /// - Throws: `Malformed` for what is not well-formed.
  init(_ document: String) throws {
    rest = document.unicodeScalars[...]
    skipSpace()
    while !rest.isEmpty {
      if rest.first == "<" { try readTag() } else { try readText() }
    }
    guard open.isEmpty else { throw Malformed(description: "\(open) stay open") }
    guard elements.first == "svg" else { throw Malformed(description: "no svg element") }
  }

  private mutating func skipSpace() {
    while let first = rest.first, first.properties.isWhitespace { rest.removeFirst() }
  }

  private mutating func take(_ scalar: Unicode.Scalar) throws {
    guard rest.first == scalar else {
      throw Malformed(description: "expected \(scalar) before \(String(rest.prefix(40)))")
    }
    rest.removeFirst()
  }

  private mutating func readName() throws -> String {
    var name = ""
    while let first = rest.first,
      first.properties.isAlphabetic || "-:0123456789".contains(Character(first))
    {
      name.unicodeScalars.append(rest.removeFirst())
    }
    guard !name.isEmpty else { throw Malformed(description: "a name is missing") }
    return name
  }

  private mutating func readTag() throws {
    try take("<")
    if rest.first == "/" {
      rest.removeFirst()
      let name = try readName()
      guard open.popLast() == name else { throw Malformed(description: "\(name) closes wrongly") }
      frames.removeLast()
      if open.last == "defs" { openShape = nil }
      return try take(">")
    }
    let name = try readName()
    elements.append(name)
    guard elements.count == 1 || !open.isEmpty else {
      throw Malformed(description: "two roots")
    }
    var attributes: [String: String] = [:]
    while true {
      let hadSpace = rest.first?.properties.isWhitespace == true
      skipSpace()
      if rest.first == "/" {
        rest.removeFirst()
        place(name, attributes)
        return try take(">")
      }
      if rest.first == ">" {
        rest.removeFirst()
        place(name, attributes)
        frames.append(frame(attributes))
        if open.last == "defs", let id = attributes["id"] { openShape = id }
        return open.append(name)
      }
      guard hadSpace else { throw Malformed(description: "no space between attributes") }
      let key = try readName()
      guard attributes[key] == nil else { throw Malformed(description: "\(key) comes twice") }
      try take("=")
      try take("\"")
      var value = ""
      while let first = rest.first, first != "\"" { try readCharacter(into: &value, first) }
      try take("\"")
      attributes[key] = value
      if key == "id", !identifiers.insert(value).inserted {
        throw Malformed(description: "the id \(value) comes twice")
      }
      if key == "href", value.hasPrefix("#") { references.insert(String(value.dropFirst())) }
    }
  }

  /// The transformation to the page of what stands in an element.
  private func frame(_ attributes: [String: String]) -> (offset: Point, scale: Double) {
    let (outer, own) = (frames[frames.count - 1], StrictXML.transform(attributes["transform"]))
    return (outer.offset + own.offset * outer.scale, outer.scale * own.scale)
  }

  /// Notes where an element is drawn; the tile of a pattern is none.
  private mutating func place(_ name: String, _ attributes: [String: String]) {
    if name == "text" { lastText = attributes }
    guard !open.contains("pattern") else { return }
    if name == "use" {
      let frame = frame(attributes)
      for box in shapes[String((attributes["href"] ?? "").dropFirst())] ?? [] {
        drawn.append(("use", StrictXML.moved(box, frame)))
      }
    } else if let box = StrictXML.box(name, attributes) {
      note(name, StrictXML.moved(box, frame(attributes)))
    }
  }

  private mutating func placeText(_ text: String) {
    let box = StrictXML.textBox(text, lastText)
    // A text's own frame is the innermost.
    note("‘\(text)’", StrictXML.moved(box, frames[frames.count - 1]))
  }

  private mutating func note(_ what: String, _ box: Box) {
    if let openShape {
      shapes[openShape, default: []].append(box)
    } else {
      drawn.append((what, box))
    }
  }

  private mutating func readText() throws {
    var text = ""
    while let first = rest.first, first != "<" { try readCharacter(into: &text, first) }
    if open.last == "text" {
      texts.append(text)
      placeText(text)
    }
    if open.isEmpty, text.contains(where: { !$0.isWhitespace }) {
      throw Malformed(description: "text outside of elements")
    }
  }

  private mutating func readCharacter(into text: inout String, _ first: Unicode.Scalar) throws {
    rest.removeFirst()
    switch first {
    case "<": throw Malformed(description: "a bare <")
    case "&":
      let entities = ["amp;": "&", "lt;": "<", "gt;": ">", "quot;": "\""]
      for (entity, meaning) in entities where rest.starts(with: entity.unicodeScalars) {
        rest.removeFirst(entity.count)
        text += meaning
        return
      }
      throw Malformed(description: "a bare &")
    case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}":
      throw Malformed(description: "a character that XML cannot hold: \(first.value)")
    default: text.unicodeScalars.append(first)
    }
  }
}

/// Expects that a picture is well-formed, small, and stays within its page.
func expectSound(
  _ picture: Picture, theme: Theme = .auto, _ comment: @autoclosure () -> Comment = "",
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let text = picture.svg(theme: theme)
  #expect(text.utf8.count < 300_000, comment(), sourceLocation: sourceLocation)
  let xml = try StrictXML(text)
  #expect(
    xml.references.isSubset(of: xml.identifiers), comment(), sourceLocation: sourceLocation)
  #expect(Array(xml.elements.prefix(4)) == ["svg", "title", "desc", "style"])
  for drawn in xml.drawn where !picture.page.contains(drawn.box) {
    Issue.record(
      "\(drawn.what) at \(drawn.box) leaves \(picture.page). \(comment())",
      sourceLocation: sourceLocation)
  }
}
