/// A bracket beside a block that is repeated, with the number of repetitions.
struct NetworkBracket {
  /// The rows of the block, which have no other boxes.
  let rows: Range<Int>
  private let left: Double
  private let words: String

  private static let (gap, depth, size) = (10.0, 7.0, 15.0)

  init(_ run: NetworkRepeat, _ layout: LayeredLayout) {
    let own = layout.items.filter { $0.box.map(run.boxes.contains) ?? false }.map(\.row)
    let range = (own.min() ?? 0)..<(own.max() ?? 0) + 1
    rows = range
    let inside = layout.items.filter { range.contains($0.row) }
    left = (inside.map { $0.x + $0.width / 2 }.max() ?? 0) + NetworkBracket.gap
    words = "× \(run.count)"
  }

  /// Its right edge, before its column is moved.
  var right: Double {
    left + NetworkBracket.depth + 8
      + TextMetrics.width(words, size: NetworkBracket.size, bold: true)
  }

  func elements(top: Double, bottom: Double, shift: Double) -> [Element] {
    let x = left + shift
    var path = Path()
    path.move(Point(x, top))
    path.line(Point(x + NetworkBracket.depth, top))
    path.line(Point(x + NetworkBracket.depth, bottom))
    path.line(Point(x, bottom))
    return [
      Element.path(path, stroke: Stroke(.ink, 1.6)).with("stroke-linejoin", "round"),
      .text(
        words, Point(x + NetworkBracket.depth + 8, (top + bottom) / 2), size: NetworkBracket.size,
        bold: true),
    ]
  }
}
