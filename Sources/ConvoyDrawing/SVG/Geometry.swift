/// A point in a picture; y grows downwards.
struct Point: Hashable, Sendable {
  var x: Double
  var y: Double

  init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }

  static func + (a: Point, b: Point) -> Point { Point(a.x + b.x, a.y + b.y) }
  static func - (a: Point, b: Point) -> Point { Point(a.x - b.x, a.y - b.y) }
  static func * (a: Point, s: Double) -> Point { Point(a.x * s, a.y * s) }
}

/// A rectangle that is parallel to the axes.
struct Box: Hashable, Sendable {
  var x: Double
  var y: Double
  var width: Double
  var height: Double

  init(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  /// The smallest box around some points.
  init(around points: [Point]) {
    let (xs, ys) = (points.map(\.x), points.map(\.y))
    let (left, top) = (xs.min() ?? 0, ys.min() ?? 0)
    self.init(left, top, (xs.max() ?? 0) - left, (ys.max() ?? 0) - top)
  }

  var maxX: Double { x + width }
  var maxY: Double { y + height }
  var midX: Double { x + width / 2 }
  var midY: Double { y + height / 2 }
  var center: Point { Point(midX, midY) }

  func union(_ other: Box) -> Box {
    let (left, top) = (min(x, other.x), min(y, other.y))
    return Box(left, top, max(maxX, other.maxX) - left, max(maxY, other.maxY) - top)
  }

  /// Larger by a margin on every side.
  func grown(by margin: Double) -> Box {
    Box(x - margin, y - margin, width + 2 * margin, height + 2 * margin)
  }

  func moved(by offset: Point) -> Box { Box(x + offset.x, y + offset.y, width, height) }

  /// Whether another box lies inside, within a tolerance of a hundredth.
  func contains(_ other: Box) -> Bool {
    other.x >= x - 0.01 && other.y >= y - 0.01 && other.maxX <= maxX + 0.01
      && other.maxY <= maxY + 0.01
  }
}

/// A path of straight and curved segments, and its box.
struct Path: Sendable {
  private(set) var data = ""
  private(set) var points: [Point] = []

  /// Begins a new subpath.
  mutating func move(_ p: Point) { append("M", p) }

  mutating func line(_ p: Point) { append("L", p) }

  /// A cubic curve. Its box contains the control points, and may be larger than the curve.
  mutating func curve(_ a: Point, _ b: Point, _ end: Point) {
    points += [a, b, end]
    data += "C\(text(a)) \(text(b)) \(text(end))"
  }

  mutating func close() { data += "Z" }

  /// A closed rectangle in few characters: there may be thousands of cells.
  mutating func rectangle(_ box: Box) {
    points += [Point(box.x, box.y), Point(box.maxX, box.maxY)]
    let (width, height) = (SVGNumber.text(box.width), SVGNumber.text(box.height))
    data += "M\(text(Point(box.x, box.y)))h\(width)v\(height)h-\(width)z"
  }

  mutating func segment(_ a: Point, _ b: Point) {
    move(a)
    line(b)
  }

  mutating func polygon(_ corners: [Point]) {
    guard let first = corners.first else { return }
    move(first)
    for corner in corners.dropFirst() { line(corner) }
    close()
  }

  /// A curve with horizontal tangents at its ends.
  mutating func levelCurve(_ a: Point, _ b: Point) {
    let middle = (a.x + b.x) / 2
    move(a)
    curve(Point(middle, a.y), Point(middle, b.y), b)
  }

  /// A curve with vertical tangents at its ends.
  mutating func uprightCurve(_ a: Point, _ b: Point) {
    let middle = (a.y + b.y) / 2
    move(a)
    curve(Point(a.x, middle), Point(b.x, middle), b)
  }

  private mutating func append(_ letter: String, _ p: Point) {
    points.append(p)
    data += letter + text(p)
  }

  private func text(_ p: Point) -> String {
    "\(SVGNumber.text(p.x)) \(SVGNumber.text(p.y))"
  }
}
