/// The lines between the boxes of a network.
extension NetworkDrawing {
  var edges: [Element] {
    var path = Path()
    var stems: Set<Int> = []
    for (edge, route) in zip(network.edges, layout.routes) {
      let (from, to) = (network.boxes[edge.from], network.boxes[edge.to])
      let row = layout.items[route[0]].row
      if columns[row] != columns[row + 1] {
        if stems.insert(route[0]).inserted { turn(from: route[0], &path) }
      } else {
        for frame in frames(route[0]) {
          path.segment(
            Point(frame.midX, frame.maxY), Point(frame.midX, frame.maxY + NetworkDrawing.stem))
        }
      }
      if route.count == 2 {
        for (start, end) in pairs(from, to, frames(route[0]), frames(route[1])) {
          path.uprightCurve(leaving(route[0], start), port(route, end))
        }
      } else {
        follow(route, from, to, &path)
      }
    }
    return [.path(path, stroke: Stroke(.muted, 1.3)), heads]
  }

  /// The pairs of boxes side by side that are connected.
  private func pairs(
    _ from: NetworkBox, _ to: NetworkBox, _ starts: [Box], _ ends: [Box]
  ) -> [(Box, Box)] {
    if starts.count == ends.count, starts.count > 1, !to.mixesAll {
      return zip(starts, ends).map { ($0, $1) }
    }
    return starts.flatMap { start in ends.map { (start, $0) } }
  }

  /// The point where an edge begins to bend: below its box, or at the top of the next column.
  private func leaving(_ item: Int, _ box: Box) -> Point {
    let row = layout.items[item].row
    if row + 1 < columns.count, columns[row] != columns[row + 1] {
      return Point(layout.items[item].x + shifts[columns[row + 1]], -22)
    }
    return Point(box.midX, box.maxY + NetworkDrawing.stem)
  }

  /// The point where an edge ends: in the middle of a box, or beside its other edges in their
  /// order.
  private func port(_ route: [Int], _ frame: Box) -> Point {
    let end = route[route.count - 1]
    let others = layout.items[end].above.sorted { layout.items[$0].x < layout.items[$1].x }
    guard others.count > 1, let place = others.firstIndex(of: route[route.count - 2]) else {
      return Point(frame.midX, frame.y)
    }
    let part = (Double(place) + 0.5) / Double(others.count) - 0.5
    return Point(frame.midX + part * min(frame.width * 0.7, 28 * Double(others.count)), frame.y)
  }

  /// An edge over several rows.
  private func follow(
    _ route: [Int], _ from: NetworkBox, _ to: NetworkBox, _ path: inout Path
  ) {
    for (index, item) in route.enumerated().dropFirst() {
      let isFirst = index == 1
      let row = layout.items[item].row
      if index < route.count - 1 {
        let top = Point(x(item), tops[row])
        let starts =
          isFirst ? frames(route[0]).map { leaving(route[0], $0) } : [above(route, index)]
        for start in starts { path.uprightCurve(start, top) }
        path.segment(top, Point(x(item), tops[row] + heights[row] + NetworkDrawing.stem))
      } else {
        for frame in frames(item) { path.uprightCurve(above(route, index), port(route, frame)) }
      }
    }
  }

  private func above(_ route: [Int], _ index: Int) -> Point {
    let item = route[index - 1]
    let row = layout.items[item].row
    return Point(x(item), tops[row] + heights[row] + NetworkDrawing.stem)
  }

  /// From the bottom of a column to the top of the next.
  private func turn(from item: Int, _ path: inout Path) {
    let row = layout.items[item].row
    let column = columns[row + 1]
    let entry = layout.items[item].x + shifts[column]
    let left =
      layout.items.filter { columns[$0.row] == column }.map {
        $0.x - $0.width / 2 + shifts[column]
      }.min() ?? entry
    let gutter = min(left, entry) - NetworkDrawing.columnGap / 2
    let radius = 8.0
    for frame in frames(item) {
      let foot = frame.maxY + NetworkDrawing.stem + 9
      path.move(Point(frame.midX, frame.maxY))
      path.line(Point(frame.midX, foot - radius))
      path.curve(Point(frame.midX, foot), Point(frame.midX, foot), Point(frame.midX + radius, foot))
      path.line(Point(gutter - radius, foot))
      path.curve(Point(gutter, foot), Point(gutter, foot), Point(gutter, foot - radius))
    }
    path.line(Point(gutter, -36 + radius))
    path.curve(Point(gutter, -36), Point(gutter, -36), Point(gutter + radius, -36))
    path.line(Point(entry - radius, -36))
    path.curve(Point(entry, -36), Point(entry, -36), Point(entry, -36 + radius))
    path.line(Point(entry, -22))
  }

  /// The arrowheads.
  private var heads: Element {
    var path = Path()
    for route in layout.routes {
      guard let end = route.last else { continue }
      for frame in frames(end) {
        let point = port(route, frame)
        path.polygon([point, point + Point(-3.5, -6.5), point + Point(3.5, -6.5)])
      }
    }
    return .path(path, fill: .muted)
  }
}
