/// A picture, which is written as SVG.
///
/// ```swift
/// let picture = try Picture.network(network.graph, title: "AlexNet")
/// let text = picture.svg(theme: .auto)
/// ```
public struct Picture: Sendable {
  /// The title, a few words; screen readers read it.
  public let title: String
  /// A description in sentences; screen readers read it.
  public let summary: String
  /// The width in pixels at its natural size; it scales to any.
  public let width: Double
  /// The height in pixels at its natural size.
  public let height: Double

  let elements: [Element]
  /// Shapes that `Element.use` shows, by identifier.
  let definitions: [(identifier: String, element: Element)]
  /// Style rules of the animation, beside those of the colours.
  let rules: String

  /// Puts elements on a page of their size, with a margin.
  init(
    title: String, summary: String, _ elements: [Element],
    definitions: [(identifier: String, element: Element)] = [], rules: String = "",
    margin: Double = 20
  ) {
    self.title = title
    self.summary = summary
    let box = (Element.union(of: elements) ?? Box(0, 0, 1, 1)).grown(by: margin)
    // Whole pixels, so that the picture is sharp at its natural size.
    width = box.width.rounded(.up)
    height = box.height.rounded(.up)
    self.elements =
      box.x == 0 && box.y == 0
      ? elements : [.group(elements, at: Point((-box.x).rounded(), (-box.y).rounded()))]
    self.definitions = definitions
    self.rules = rules
  }

  /// The view box.
  var page: Box { Box(0, 0, width, height) }

  /// The picture as an SVG document in a single file.
  ///
  /// - Parameters:
  ///   - theme: `auto` follows the reader's preference.
  ///   - prefix: a prefix of identifiers, classes and animations. Pictures that are inlined in one
  ///     page share these names, and need different prefixes.
  /// - Precondition: the prefix is empty, or a letter and then letters, digits, `-` and `_`, all of
  ///   ASCII.
  /// - Complexity: O(*n*) in the number of elements.
  public func svg(theme: Theme = .auto, prefix: String = "") -> String {
    precondition(
      Picture.isPrefix(prefix), "A prefix is a letter and then letters, digits, - and _.")
    var writer = SVGWriter(prefix: prefix)
    writer.write(.rectangle(page, fill: .paper))
    if !definitions.isEmpty {
      let shapes = definitions.map { $0.element.with("id", $0.identifier) }
      writer.write(Element(name: "defs", children: shapes))
    }
    for element in elements { writer.write(element) }
    let size = "\(SVGNumber.text(width))\" height=\"\(SVGNumber.text(height))"
    let view = "0 0 \(SVGNumber.text(width)) \(SVGNumber.text(height))"
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="\(view)" width="\(size)" role="img" \
      aria-labelledby="\(prefix)title \(prefix)desc" fill="none" \
      font-family="\(TextMetrics.family)">
      <title id="\(prefix)title">\(XMLText.escaped(title))</title>
      <desc id="\(prefix)desc">\(XMLText.escaped(summary))</desc>
      <style>\(StyleSheet.text(for: writer.classes, theme: theme, prefix: prefix))\
      \(rules(prefix: prefix))</style>
      \(StyleSheet.patterns(for: writer.classes, prefix: prefix))\(writer.text)
      </svg>

      """
  }

  /// The rules of the animation, with the class `a` and the keyframes' names prefixed.
  private func rules(prefix: String) -> String {
    if prefix.isEmpty { return rules }
    return rules.replacing("@keyframes ", with: "@keyframes \(prefix)")
      .replacing(".a{", with: ".\(prefix)a{")
  }

  private static func isPrefix(_ text: String) -> Bool {
    guard let first = text.first else { return true }
    return first.isASCII && first.isLetter
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
  }

  /// The picture in a page of HTML, at most as wide as the window.
  public func html(theme: Theme = .auto) -> String {
    let (light, dark) = (Tone.paper.color(isDark: false).hex, Tone.paper.color(isDark: true).hex)
    let paper = theme == .dark ? dark : light
    let media =
      theme == .auto ? "@media (prefers-color-scheme:dark){body{background:\(dark)}}" : ""
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
      <title>\(XMLText.escaped(title))</title>
      <style>body{margin:0;display:grid;min-height:100vh;place-items:center;background:\(paper)}\
      svg{max-width:100%;height:auto}\(media)</style></head>
      <body>
      \(svg(theme: theme))</body>
      </html>

      """
  }
}
