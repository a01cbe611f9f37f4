/// An element of a picture: a name, attributes, colours and children.
///
/// Every element knows its box in its parent's coordinates, so that layouts can use it and tests
/// can check that nothing leaves the view box.
struct Element: Sendable {
  var name: String
  var attributes: [(key: String, value: String)] = []
  /// The colour of the inside; nil for none.
  var fill: Tone?
  /// The outline; nil for none.
  var stroke: Tone?
  var children: [Element] = []
  var text: String?
  /// The box in the parent's coordinates; nil for an element that draws nothing.
  var bounds: Box?

  /// The same element with one more attribute.
  func with(_ key: String, _ value: String) -> Element {
    var copy = self
    copy.attributes.append((key, value))
    return copy
  }

  /// The same element, taking part in an animation; `opacity` is that of still pictures.
  func animated(_ name: String, opacity: Double? = nil) -> Element {
    var copy = with("class", "a").with("style", Element.animationName + name)
    if let opacity { copy = copy.with("opacity", SVGNumber.text(opacity)) }
    return copy
  }

  /// The beginning of the style that names an element's animation.
  static let animationName = "animation-name:"
}

/// The style of a line.
struct Stroke: Sendable {
  var tone: Tone
  var width: Double
  var dashes: [Double]
  /// From 0 to 1.
  var opacity: Double

  init(_ tone: Tone, _ width: Double = 1, dashes: [Double] = [], opacity: Double = 1) {
    self.tone = tone
    self.width = width
    self.dashes = dashes
    self.opacity = opacity
  }

  fileprivate var attributes: [(key: String, value: String)] {
    var result = [(key: "stroke-width", value: SVGNumber.text(width))]
    if !dashes.isEmpty {
      result.append(("stroke-dasharray", dashes.map(SVGNumber.text).joined(separator: " ")))
    }
    if opacity != 1 { result.append(("stroke-opacity", SVGNumber.text(opacity))) }
    return result
  }
}

extension Element {
  static func rectangle(
    _ box: Box, fill: Tone? = nil, stroke: Stroke? = nil, radius: Double = 0
  ) -> Element {
    var attributes = [
      (key: "x", value: SVGNumber.text(box.x)), ("y", SVGNumber.text(box.y)),
      ("width", SVGNumber.text(box.width)), ("height", SVGNumber.text(box.height)),
    ]
    if radius > 0 { attributes.append(("rx", SVGNumber.text(radius))) }
    return Element(
      name: "rect", attributes: attributes + (stroke?.attributes ?? []), fill: fill,
      stroke: stroke?.tone, bounds: box.grown(by: (stroke?.width ?? 0) / 2))
  }

  static func circle(
    _ center: Point, radius: Double, fill: Tone? = nil, stroke: Stroke? = nil
  ) -> Element {
    Element(
      name: "circle",
      attributes: [
        ("cx", SVGNumber.text(center.x)), ("cy", SVGNumber.text(center.y)),
        ("r", SVGNumber.text(radius)),
      ] + (stroke?.attributes ?? []),
      fill: fill, stroke: stroke?.tone,
      bounds: Box(center.x, center.y, 0, 0).grown(by: radius + (stroke?.width ?? 0) / 2))
  }

  static func path(_ path: Path, fill: Tone? = nil, stroke: Stroke? = nil) -> Element {
    Element(
      name: "path", attributes: [("d", path.data)] + (stroke?.attributes ?? []), fill: fill,
      stroke: stroke?.tone,
      bounds: path.points.isEmpty
        ? nil : Box(around: path.points).grown(by: (stroke?.width ?? 0) / 2))
  }

  static func line(_ a: Point, _ b: Point, _ stroke: Stroke) -> Element {
    var path = Path()
    path.segment(a, b)
    return .path(path, stroke: stroke)
  }

  static func polygon(_ corners: [Point], fill: Tone?, stroke: Stroke? = nil) -> Element {
    var path = Path()
    path.polygon(corners)
    return Element.path(path, fill: fill, stroke: stroke).with("stroke-linejoin", "round")
  }

  /// A line with an arrowhead at its end.
  static func arrow(_ a: Point, _ b: Point, _ stroke: Stroke) -> Element {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let length = max((dx * dx + dy * dy).squareRoot(), 0.001)
    let along = Point(dx / length, dy / length)
    let across = Point(-along.y, along.x)
    let size = 4 + 2 * stroke.width
    let base = b - along * size
    return .group([
      .line(a, base, stroke),
      .polygon(
        [b, base + across * (size * 0.45), base - across * (size * 0.45)], fill: stroke.tone),
    ])
  }

  /// Several elements as one, translated and scaled.
  static func group(
    _ children: [Element], at offset: Point = Point(0, 0), scale: Double = 1
  ) -> Element {
    var element = Element(name: "g", children: children)
    if offset != Point(0, 0) || scale != 1 {
      element.attributes.append(("transform", transform(offset, scale)))
    }
    element.bounds = union(of: children).map { place($0, offset, scale) }
    return element
  }

  /// An instance of a shape that is defined in `Picture.definitions`.
  static func use(
    _ identifier: String, of shape: Element, at offset: Point, scale: Double = 1
  ) -> Element {
    Element(
      name: "use",
      attributes: [("href", "#\(identifier)"), ("transform", transform(offset, scale))],
      bounds: shape.bounds.map { place($0, offset, scale) })
  }

  static func union(of elements: [Element]) -> Box? {
    var result: Box?
    for box in elements.lazy.compactMap(\.bounds) { result = result?.union(box) ?? box }
    return result
  }

  private static func transform(_ offset: Point, _ scale: Double) -> String {
    let move = "translate(\(SVGNumber.text(offset.x)) \(SVGNumber.text(offset.y)))"
    return scale == 1 ? move : move + " scale(\(SVGNumber.text(scale)))"
  }

  private static func place(_ box: Box, _ offset: Point, _ scale: Double) -> Box {
    Box(
      box.x * scale + offset.x, box.y * scale + offset.y, box.width * scale, box.height * scale)
  }
}
