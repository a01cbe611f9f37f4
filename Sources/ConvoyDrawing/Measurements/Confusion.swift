public import ConvoyTensors

extension Picture {
  /// The largest number of classes in a confusion matrix.
  public static let mostClasses = 100

  /// Draws a confusion matrix: a row for each class, with how often its images were classified as
  /// each class. Correct cells are blue and others vermilion, darker for a larger fraction of the
  /// row.
  ///
  /// - Parameters:
  ///   - counts: for each class, how often its images were classified as each class.
  ///   - classNames: the names of the classes, in the same order.
  /// - Throws: `ConvoyError` when there are not as many rows and columns as classes, from 1 to
  ///   `mostClasses`, or a count is negative.
  public static func confusion(
    _ counts: [[Int]], classNames: [String], title: String = "Confusion matrix"
  ) throws(ConvoyError) -> Picture {
    guard (1...mostClasses).contains(classNames.count) else {
      throw ConvoyError(
        .argument,
        "A confusion matrix of 1 to \(mostClasses) classes can be drawn, got \(classNames.count).")
    }
    let isSquare =
      counts.count == classNames.count
      && counts.allSatisfy { $0.count == classNames.count && $0.allSatisfy { $0 >= 0 } }
    guard isSquare else {
      throw ConvoyError(
        .argument,
        "Counts from 0 are expected, \(classNames.count) rows of \(classNames.count), "
          + "got \(counts.count) rows.")
    }
    return ConfusionDrawing(counts: counts, names: classNames, title: title).picture
  }
}

private struct ConfusionDrawing {
  let counts: [[Int]]
  let names: [String]
  let title: String

  private var count: Int { names.count }
  private var side: Double { max(9, min(36, (560 / Double(count)).rounded())) }
  private var extent: Double { Double(count) * side }
  /// The largest width of a class's name.
  private static let mostName = 110.0
  /// The font size at which all names fit, except those much longer than the others.
  private let nameSize: Double

  init(counts: [[Int]], names: [String], title: String) {
    (self.counts, self.names, self.title) = (counts, names, title)
    let most = names.count <= 40 ? 11.0 : 8
    nameSize =
      names.map {
        TextMetrics.fitted(
          String($0.prefix(200)), into: ConfusionDrawing.mostName, size: most, smallest: 8
        ).size
      }.min() ?? most
  }

  /// A sum that saturates: counts also come from files.
  private static func sum(_ numbers: some Sequence<Int>) -> Int {
    numbers.reduce(0) { sum, number in
      let (result, overflow) = sum.addingReportingOverflow(number)
      return overflow ? .max : result
    }
  }

  var picture: Picture {
    var elements = cells + [.rectangle(Box(0, 0, extent, extent), stroke: Stroke(.rule, 1))]
    for (index, name) in names.enumerated() {
      let middle = (Double(index) + 0.5) * side
      elements.append(
        .text(
          name, Point(-8, middle), size: nameSize, anchor: .end, fitting: ConfusionDrawing.mostName,
          smallest: 6))
      elements.append(head(name, middle))
    }
    let top = (Element.union(of: elements) ?? Box(0, 0, 1, 1)).y
    let left = (Element.union(of: elements) ?? Box(0, 0, 1, 1)).x
    elements.append(
      .text("taken for", Point(extent / 2, top - 14), size: 12, .muted, anchor: .middle))
    elements.append(.uprightText("shows", Point(left - 14, extent / 2), size: 12, .muted))
    let room = max(extent, 400)
    elements.append(.text(title, Point(0, top - 74), size: 18, bold: true, fitting: room))
    elements.append(.text(words, Point(0, top - 50), size: 13, .muted, fitting: room))
    return Picture(title: title, summary: summary, elements)
  }

  /// The name of a class above its column: horizontal if all names fit, otherwise vertical.
  private func head(_ name: String, _ x: Double) -> Element {
    let isLevel = names.allSatisfy { TextMetrics.width($0, size: nameSize) <= side - 3 }
    if isLevel { return .text(name, Point(x, -11), size: nameSize, anchor: .middle) }
    let (shown, size) = TextMetrics.fitted(
      String(name.prefix(200)), into: ConfusionDrawing.mostName, size: nameSize, smallest: 6)
    let width = TextMetrics.width(shown, size: size)
    return .uprightText(shown, Point(x, -8 - width / 2), size: size, .ink)
  }

  private var cells: [Element] {
    var (paths, texts): ([Shade: Path], [Element]) = ([:], [])
    for (row, line) in counts.enumerated() {
      let all = ConfusionDrawing.sum(line)
      for (column, number) in line.enumerated() where number > 0 {
        let cell = Box(Double(column) * side, Double(row) * side, side, side)
        // At most half the colour, so that the text can be read; the root makes a single mistake
        // visible.
        let part = (Double(number) / Double(all)).squareRoot()
        let shade = Shade(isRight: row == column, step: min(5, 1 + Int(part * 5)))
        paths[shade, default: Path()].rectangle(cell)
        guard side >= 17 else { continue }
        texts.append(
          .text(
            Measure.grouped(number), cell.center, size: 12, anchor: .middle, bold: row == column,
            fitting: side - 4, smallest: 6))
      }
    }
    let sorted = paths.sorted {
      ($0.key.step, $0.key.isRight ? 0 : 1) < ($1.key.step, $1.key.isRight ? 0 : 1)
    }
    var grid = Path()
    if side >= 14 {
      for index in 1..<max(1, count) {
        let place = Double(index) * side
        grid.segment(Point(place, 0), Point(place, extent))
        grid.segment(Point(0, place), Point(extent, place))
      }
    }
    return sorted.map { .path($0.value, fill: .level($0.key.isRight ? 0 : 4, $0.key.step)) }
      + [.path(grid, stroke: Stroke(.rule, 0.5))] + texts
  }

  private struct Shade: Hashable {
    var isRight: Bool
    var step: Int
  }

  private var words: String {
    let all = ConfusionDrawing.sum(counts.joined())
    let right = ConfusionDrawing.sum(counts.indices.map { counts[$0][$0] })
    guard all > 0 else { return "no images" }
    return "\(Measure.grouped(right)) of \(Measure.grouped(all)) images recognised, "
      + "\(Measure.rounded(Double(right) / Double(all) * 100)) %"
  }

  private var summary: String {
    var mistakes: [(number: Int, text: String)] = []
    for (row, line) in counts.enumerated() {
      for (column, number) in line.enumerated() where number > 0 && row != column {
        mistakes.append((number, "\(names[row]) for \(names[column]), \(number) times"))
      }
    }
    let worst = mistakes.sorted { $0.number > $1.number }.prefix(5).map(\.text)
    return "A matrix of \(count) classes, \(words). "
      + (worst.isEmpty
        ? "Nothing was mistaken." : "Most often mistaken: \(worst.joined(separator: "; ")).")
  }
}
