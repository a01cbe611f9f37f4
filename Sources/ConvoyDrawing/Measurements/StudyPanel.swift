/// A panel of a study: accuracies over another quantity, with error bars and labels.
struct StudyPanel {
  /// A point of the panel.
  struct Mark {
    var label: String
    /// The series, which sets the colour.
    var tone: Int
    /// The quantity on the horizontal axis.
    var value: Double
    var deviation: Double?
    /// In percent.
    var accuracy: Double
    var accuracyDeviation: Double?
  }

  let caption: String
  let marks: [Mark]

  private static let radius = 5.0
  private static let labelSize = 12.0

  /// - Parameter namesAccuracy: whether the accuracy axis has numbers.
  func elements(in frame: Box, accuracy: Axis, namesAccuracy: Bool) -> [Element] {
    let axis = valueAxis
    var (grid, elements) = (Path(), [Element]())
    for tick in accuracy.ticks {
      let y = frame.maxY - accuracy.position(tick) * frame.height
      grid.segment(Point(frame.x, y), Point(frame.maxX, y))
      guard namesAccuracy else { continue }
      elements.append(
        .text(
          SVGNumber.text(tick) + " %", Point(frame.x - 8, y), size: 11, .muted, anchor: .end))
    }
    if !marks.isEmpty {
      let labels = StudyPanel.labels(axis.ticks)
      for (tick, label) in zip(axis.ticks, labels) {
        let x = frame.x + axis.position(tick) * frame.width
        grid.segment(Point(x, frame.y), Point(x, frame.maxY))
        elements.append(.text(label, Point(x, frame.maxY + 14), size: 11, .muted, anchor: .middle))
      }
    }
    elements.insert(.path(grid, stroke: Stroke(.rule, 0.7)), at: 0)
    elements.append(
      .text(
        marks.isEmpty ? "\(caption): not measured" : caption,
        Point(frame.midX, frame.maxY + 36), size: 12, anchor: .middle, fitting: frame.width))
    return elements + drawn(frame, axis, accuracy)
  }

  private func drawn(_ frame: Box, _ axis: Axis, _ accuracy: Axis) -> [Element] {
    func place(_ value: Double, _ percent: Double) -> Point {
      func part(_ position: Double) -> Double { min(1, max(0, position)) }
      return Point(
        frame.x + part(axis.position(value)) * frame.width,
        frame.maxY - part(accuracy.position(percent)) * frame.height)
    }
    var (bars, circles): ([Element], [Element]) = ([], [])
    // Boxes that labels must not overlap.
    var taken: [Box] = []
    for mark in marks {
      let center = place(mark.value, mark.accuracy)
      var path = Path()
      if let deviation = mark.accuracyDeviation {
        let ends = [-1.0, 1].map { place(mark.value, mark.accuracy + $0 * deviation) }
        path.segment(ends[0], ends[1])
        for end in ends { path.segment(end + Point(-4, 0), end + Point(4, 0)) }
        taken.append(Box(around: ends).grown(by: 4))
      }
      if let deviation = mark.deviation {
        let ends = [-1.0, 1].map { place(mark.value + $0 * deviation, mark.accuracy) }
        path.segment(ends[0], ends[1])
        for end in ends { path.segment(end + Point(0, -4), end + Point(0, 4)) }
        taken.append(Box(around: ends).grown(by: 4))
      }
      bars.append(.path(path, stroke: Stroke(.series(mark.tone), 1.4)))
      circles.append(
        .circle(
          center, radius: StudyPanel.radius, fill: .series(mark.tone), stroke: Stroke(.paper, 1)))
      taken.append(Box(center.x, center.y, 0, 0).grown(by: StudyPanel.radius + 1))
    }
    var (grounds, labels): ([Element], [Element]) = ([], [])
    let places = marks.map { place($0.value, $0.accuracy) }
    for (index, mark) in marks.enumerated() {
      let box = free(mark.label, index, places, in: frame, &taken)
      // A background, so that grid lines do not cross the text.
      grounds.append(.rectangle(box, fill: .paper))
      // A label that does not fit beside its point is connected to it by a line.
      let end = StudyPanel.nearest(to: places[index], in: box)
      if StudyPanel.distance(end, places[index]) > 14 {
        grounds.append(.line(places[index], end, Stroke(.muted, 0.8)))
      }
      labels.append(
        .text(
          mark.label, box.center, size: StudyPanel.labelSize, anchor: .middle, bold: true,
          fitting: frame.width - 8))
    }
    return grounds + bars + circles + labels
  }

  /// The best position of a label: near its point, nearer than to other points, and with little
  /// overlap.
  private func free(
    _ label: String, _ own: Int, _ places: [Point], in frame: Box, _ taken: inout [Box]
  ) -> Box {
    let (text, size) = TextMetrics.fitted(
      label, into: frame.width - 8, size: StudyPanel.labelSize, bold: true)
    let width = TextMetrics.width(text, size: size, bold: true) + 4
    let height = StudyPanel.labelSize + 2
    let point = places[own]
    func reach(_ place: Point, _ box: Box) -> Double {
      StudyPanel.distance(place, StudyPanel.nearest(to: place, in: box))
    }
    var best = (box: Box(point.x, point.y, width, height), cost: Double.infinity)
    for (ring, distance) in [8.0, 14, 22, 32, 44, 58].enumerated() {
      for (turn, direction) in StudyPanel.directions.enumerated() {
        let step = direction.x == 0 || direction.y == 0 ? distance : distance * 0.6
        let center = Point(
          point.x + direction.x * (step + width / 2), point.y + direction.y * (step + height / 2))
        let box = Box(
          min(max(center.x - width / 2, frame.x + 1), frame.maxX - width - 1),
          min(max(center.y - height / 2, frame.y + 1), frame.maxY - height - 1), width, height)
        let covered = taken.reduce(0) { $0 + StudyPanel.overlap($1, box) }
        let away = reach(point, box)
        let rivals = places.indices.count { $0 != own && reach(places[$0], box) < away + 3 }
        let cost = covered * 100 + Double(rivals * 8 + ring * 3) + Double(turn) / 8
        if cost < best.cost { best = (box, cost) }
      }
    }
    taken.append(best.box)
    return best.box
  }

  /// The positions of a label relative to its point, the best first.
  private static let directions = [
    (1.0, -1.0), (-1, -1), (1, 1), (-1, 1), (0, -1), (0, 1), (1, 0), (-1, 0),
  ]
  .map { Point($0.0, $0.1) }

  private static func nearest(to point: Point, in box: Box) -> Point {
    Point(min(max(point.x, box.x), box.maxX), min(max(point.y, box.y), box.maxY))
  }

  private static func distance(_ a: Point, _ b: Point) -> Double {
    let difference = a - b
    return (difference.x * difference.x + difference.y * difference.y).squareRoot()
  }

  private static func overlap(_ a: Box, _ b: Box) -> Double {
    max(0, min(a.maxX, b.maxX) - max(a.x, b.x)) * max(0, min(a.maxY, b.maxY) - max(a.y, b.y))
  }

  // MARK: Axis

  /// From zero if the numbers are near it, otherwise around them.
  private var valueAxis: Axis {
    let ends = marks.flatMap { mark in
      [mark.value - (mark.deviation ?? 0), mark.value + (mark.deviation ?? 0)]
    }
    let (low, high) = (max(0, ends.min() ?? 0), ends.max() ?? 1)
    let room = max(0.08 * (high - low), 0.06 * high)
    return Axis(linear: low < 0.35 * high ? 0 : low - room, max(high + room, 1), about: 4)
  }

  /// Numbers in a common unit: `100 k`, `150 k`.
  private static func labels(_ ticks: [Double]) -> [String] {
    var (unit, index) = (1.0, 0)
    let letters = ["", " k", " M", " G", " T", " P", " E"]
    while (ticks.last ?? 0) >= unit * 1000, index < letters.count - 1 {
      (unit, index) = (unit * 1000, index + 1)
    }
    return ticks.map { $0 == 0 ? "0" : SVGNumber.text($0 / unit) + letters[index] }
  }
}
