public import ConvoyTensors

extension Picture {
  /// Draws how similar a layer's filters are: a heat map of correlations, with the borders of
  /// groups.
  ///
  /// The correlation is Pearson's, of the weights of two filters.
  ///
  /// - Parameters:
  ///   - weights: a convolution's or a linear layer's, [O, …].
  ///   - groups: the number of groups that the filters are sorted by.
  /// - Throws: `ConvoyError` when filters have fewer than two weights, there are more than 4096, or
  ///   the groups do not divide them.
  /// - Complexity: O(*n*²·*m*) for *n* filters of *m* weights.
  public static func filterCorrelation(
    _ weights: Tensor, groups: Int, name: String
  ) throws(ConvoyError) -> Picture {
    let count = weights.shape.rank > 0 ? weights.shape[0] : 1
    guard weights.shape.rank >= 2, weights.shape.elementCount / count >= 2 else {
      throw ConvoyError(
        .shape, "Filters of at least two weights are expected, got weights of \(weights.shape).")
    }
    let products = Measure.product([count, weights.shape.elementCount])
    guard count <= 4096, products <= 1 << 34 else {
      throw ConvoyError(
        .shape,
        "At most 4096 filters can be compared, whose number times all their weights is at most "
          + "\(Measure.grouped(1 << 34)), got \(count) filters with \(Measure.grouped(products)).")
    }
    guard groups >= 1, count % groups == 0 else {
      throw ConvoyError(
        .attribute,
        "A number of groups is expected that divides the \(count) filters, got \(groups).")
    }
    return CorrelationDrawing(FilterCorrelation(weights), groups, name).picture
  }
}

/// The correlations between filters.
struct FilterCorrelation {
  let count: Int
  /// Filters with mean 0 and length 1.
  private let directions: [[Float]]

  init(_ weights: Tensor) {
    count = weights.shape[0]
    let length = weights.shape.elementCount / count
    directions = (0..<count).map { filter in
      let part = weights.elements[filter * length..<(filter + 1) * length].map {
        $0.isFinite ? Double($0) : 0
      }
      let mean = part.reduce(0, +) / Double(length)
      let centred = part.map { $0 - mean }
      let norm = centred.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // A filter of equal weights correlates with no other.
      return centred.map { norm > 1e-30 ? Float($0 / norm) : 0 }
    }
  }

  subscript(a: Int, b: Int) -> Double {
    var sum: Float = 0
    for (x, y) in zip(directions[a], directions[b]) { sum += x * y }
    return Double(sum)
  }
}

private struct CorrelationDrawing {
  let groups: Int
  let name: String
  let count: Int
  /// The number of cells in each direction, and the mean correlation in each cell.
  private let cells: Int
  private let values: [Double]
  /// Mean magnitudes within and between groups.
  private let within: Double
  private let between: Double

  private static let mostCells = 72

  init(_ correlation: FilterCorrelation, _ groups: Int, _ name: String) {
    self.groups = groups
    self.name = name
    let count = correlation.count
    self.count = count
    let cells =
      count <= CorrelationDrawing.mostCells
      ? count
      : (24...CorrelationDrawing.mostCells).last { count % $0 == 0 } ?? CorrelationDrawing.mostCells
    self.cells = cells
    var sums = Array(repeating: 0.0, count: cells * cells)
    var numbers = Array(repeating: 0, count: cells * cells)
    var totals = [(sum: 0.0, count: 0), (sum: 0.0, count: 0)]
    let each = count / groups
    for a in 0..<count {
      for b in 0...a {
        let value = a == b ? 1 : correlation[a, b]
        for (row, column) in [(a, b), (b, a)] {
          let cell = row * cells / count * cells + column * cells / count
          sums[cell] += value
          numbers[cell] += 1
        }
        guard a != b else { continue }
        let kind = a / each == b / each ? 0 : 1
        totals[kind].sum += value.magnitude
        totals[kind].count += 1
      }
    }
    values = zip(sums, numbers).map { $1 > 0 ? $0 / Double($1) : 0 }
    within = totals[0].count > 0 ? totals[0].sum / Double(totals[0].count) : 0
    between = totals[1].count > 0 ? totals[1].sum / Double(totals[1].count) : 0
  }

  var picture: Picture {
    let side = max(6, min(24, 460 / Double(cells)))
    let extent = Double(cells) * side
    var paths: [Int: Path] = [:]
    for row in 0..<cells {
      for column in 0..<cells {
        let step = Int((values[row * cells + column] * Double(Tone.heatSteps)).rounded())
        guard step != 0 else { continue }
        paths[max(-Tone.heatSteps, min(Tone.heatSteps, step)), default: Path()].rectangle(
          Box(Double(column) * side, Double(row) * side, side, side))
      }
    }
    var elements = paths.sorted { $0.key < $1.key }.map { step, path in
      Element.path(path, fill: .heat(step))
    }
    elements.append(.rectangle(Box(0, 0, extent, extent), stroke: Stroke(.rule, 1)))
    if groups <= CorrelationDrawing.mostCells {
      for group in 0..<groups where groups > 1 {
        let part = extent / Double(groups)
        elements.append(
          .rectangle(
            Box(Double(group) * part, Double(group) * part, part, part),
            stroke: Stroke(.ink, groups > 16 ? 0.8 : 1.6)))
      }
    }
    elements += scale(extent)
    let room = max(extent, 380)
    elements.append(
      .text("filters, 1 to \(count)", Point(extent / 2, -14), size: 12, .muted, anchor: .middle))
    elements.append(.text(name, Point(0, -66), size: 18, bold: true, fitting: room))
    elements.append(.text(words, Point(0, -42), size: 13, .muted, fitting: room))
    return Picture(
      title: "Correlation of the filters of \(name)",
      summary: "A heat map of the correlations of \(count) filters: \(words).", elements)
  }

  private var words: String {
    let mean = "mean magnitude \(SVGNumber.text(within))"
    return groups == 1
      ? "\(mean) of \(count) filters"
      : "\(mean) within \(groups) groups, \(SVGNumber.text(between)) between them"
  }

  /// The legend of colours, below the map.
  private func scale(_ extent: Double) -> [Element] {
    let steps = 2 * Tone.heatSteps + 1
    let (width, y) = (12.0, extent + 18)
    var elements: [Element] = (0..<steps).map { index in
      .rectangle(
        Box(Double(index) * width, y, width, 12), fill: .heat(index - Tone.heatSteps))
    }
    let whole = Double(steps) * width
    elements.append(.rectangle(Box(0, y, whole, 12), stroke: Stroke(.rule, 1)))
    for (text, x, anchor) in [
      ("−1", 0.0, Anchor.start), ("0", whole / 2, .middle), ("1", whole, .end),
    ] {
      elements.append(.text(text, Point(x, y + 24), size: 11, .muted, anchor: anchor))
    }
    return elements
  }
}
