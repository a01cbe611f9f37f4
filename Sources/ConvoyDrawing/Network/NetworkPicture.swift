public import ConvoyGraphs
public import ConvoyTensors

extension Picture {
  /// The largest number of boxes in a picture of a network.
  public static let mostNetworkBoxes = 420

  /// Draws a network: a box for each operator, wider for a larger cost, with the shapes between
  /// them.
  ///
  /// Elementwise operators are folded into the box before them. A convolution in two to four groups
  /// is drawn as that many boxes side by side, connected group to group as long as groups are
  /// separate, and crosswise where all channels mix. Consecutive equal blocks, with the same
  /// operators and shapes connected in the same way, are drawn once, with a bracket that gives
  /// their number.
  ///
  /// - Parameter isExpanded: whether all blocks are drawn.
  /// - Throws: `ConvoyError` when the network has nothing to draw, or too many boxes.
  /// - Complexity: O(*n*²) in the number of boxes.
  public static func network(
    _ graph: Graph, title: String, isExpanded: Bool = false
  ) throws(ConvoyError) -> Picture {
    try network(graph, of: nil, title: title, isExpanded: isExpanded)
  }

  /// Draws a network that is divided over ranks, as one of them runs it. Operators that are divided
  /// have a mark with a slice for each rank; exchanges have boxes of their own.
  ///
  /// - Parameter isExpanded: whether all of consecutive equal blocks are drawn.
  /// - Throws: `ConvoyError` when the network has nothing to draw, or too many boxes.
  /// - Complexity: O(*n*²) in the number of boxes.
  public static func network(
    _ partition: Partition, title: String, isExpanded: Bool = false
  ) throws(ConvoyError) -> Picture {
    try network(
      partition.graph(rank: 0), of: partition, title: title, isExpanded: isExpanded)
  }

  private static func network(
    _ graph: Graph, of partition: Partition?, title: String, isExpanded: Bool
  ) throws(ConvoyError) -> Picture {
    guard !graph.nodes.isEmpty else {
      throw ConvoyError(.graph, "A network with at least one operator is expected, got none.")
    }
    guard graph.nodes.count <= 20_000 else {
      throw ConvoyError(
        .graph,
        "A network of at most 20000 operators can be drawn, got \(graph.nodes.count).")
    }
    let network = NetworkBoxes(graph, isExpanded: isExpanded, partition: partition)
    guard network.boxes.count <= mostNetworkBoxes else {
      throw ConvoyError(
        .graph,
        "A network of at most \(mostNetworkBoxes) boxes can be drawn, got \(network.boxes.count).")
    }
    let drawing = NetworkDrawing(network, title: title, cost: graph.cost)
    guard drawing.bendCount <= 2500 else {
      throw ConvoyError(
        .graph,
        "A network whose boxes are mostly connected to near ones can be drawn; in this one "
          + "connections pass \(drawing.bendCount) times by other boxes, and 2500 is the most.")
    }
    return drawing.picture
  }
}

/// The boxes and edges of a network, placed.
struct NetworkDrawing {
  let network: NetworkBoxes
  let title: String
  let cost: Cost
  let layout: LayeredLayout
  /// The top of each row, its column, and its height.
  private(set) var tops: [Double] = []
  private(set) var heights: [Double] = []
  private(set) var columns: [Int] = []
  /// The horizontal offset of each column.
  private(set) var shifts: [Double] = []
  /// The brackets of repeated blocks.
  private(set) var brackets: [NetworkBracket] = []

  static let rowGap = 44.0
  static let stem = 17.0
  static let columnGap = 64.0

  init(_ network: NetworkBoxes, title: String, cost: Cost) {
    self.network = network
    self.title = title
    self.cost = cost
    let most = Double(max(1, network.boxes.map(\.cost.multiplyAdds).max() ?? 1))
    let widths = network.boxes.map { box -> Double in
      if box.role == nil { return 120 }
      let share = (Double(box.cost.multiplyAdds) / most).squareRoot()
      let width = (116 + 110 * share).rounded()
      return box.towers == 1
        ? width : Double(box.towers) * (max(104, width * 0.75) + 14) - 14
    }
    layout = LayeredLayout(
      widths: widths,
      importance: network.boxes.map { (Double($0.cost.multiplyAdds) / most).squareRoot() },
      edges: network.edges)
    heights = layout.rows.map { row in
      row.compactMap { layout.items[$0].box }.map { NetworkDrawing.height(network.boxes[$0]) }.max()
        ?? 20
    }
    brackets = network.repeats.map { NetworkBracket($0, layout) }
    breakIntoColumns()
  }

  private static func height(_ box: NetworkBox) -> Double {
    if box.role == nil { return 28 }
    // Boxes with marks of many groups or of ranks are a little higher.
    let marks = (box.groups > NetworkBoxes.mostTowers ? 6 : 0) + markHeight(box)
    return 25 + 15 * Double(lines(box).count) + marks
  }

  /// The lines of text below a box's name.
  private static func lines(_ box: NetworkBox) -> [String] {
    let work = box.work == box.name ? [] : [box.work]
    return box.tail.isEmpty ? work : work + ["+ " + box.tail.joined(separator: " + ")]
  }

  /// The number of bends: how often edges pass rows.
  var bendCount: Int { layout.items.count - network.boxes.count }

  // MARK: Columns

  /// Breaks a long network into columns, at rows with a single box that all paths go through.
  private mutating func breakIntoColumns() {
    let total = heights.reduce(0) { $0 + $1 + NetworkDrawing.rowGap }
    let widest =
      layout.rows.map { row -> Double in
        let lefts = row.map { layout.items[$0].x - layout.items[$0].width / 2 }
        let rights = row.map { layout.items[$0].x + layout.items[$0].width / 2 }
        return (rights.max() ?? 0) - (lefts.min() ?? 0)
      }.max() ?? 1
    // An aspect ratio of about 3 : 2.
    let wanted = max(1, (1.5 * total / (widest + NetworkDrawing.columnGap)).squareRoot().rounded())
    let cuts = layout.rows.indices.dropFirst().filter { isCut($0 - 1) && !isInRepeat($0) }
    let starts = ColumnBreaks.starts(
      heights: heights.map { $0 + NetworkDrawing.rowGap }, cuts: Array(cuts),
      columns: total < 900 ? 1 : Int(min(wanted, 12)))
    var (y, column) = (0.0, 0)
    for row in layout.rows.indices {
      if row > 0, starts.contains(row) { (y, column) = (0, column + 1) }
      tops.append(y)
      columns.append(column)
      y += heights[row] + NetworkDrawing.rowGap
    }
    var x = 0.0
    for current in 0...column {
      let inside = layout.items.filter { columns[$0.row] == current }
      // The line from the previous column enters above its box.
      let entry = inside.map(\.row).min().flatMap { $0 > 0 ? layout.rows[$0 - 1].first : nil }
      let lefts =
        inside.map { $0.x - $0.width / 2 } + (entry.map { [layout.items[$0].x - 10] } ?? [])
      let rights =
        inside.map { $0.x + $0.width / 2 } + (entry.map { [layout.items[$0].x + 10] } ?? [])
        + brackets.filter { columns[$0.rows.lowerBound] == current }.map { $0.right }
      let left = lefts.min() ?? 0
      shifts.append((x - left).rounded())
      x += ((rights.max() ?? 0) - left + NetworkDrawing.columnGap).rounded()
    }
  }

  /// Whether all edges start at the row's only box.
  private func isCut(_ row: Int) -> Bool {
    guard layout.rows[row].count == 1, let box = layout.items[layout.rows[row][0]].box else {
      return false
    }
    return network.boxes[box].towers == 1
  }

  /// Whether a row belongs to a repeated block that begins above it.
  private func isInRepeat(_ row: Int) -> Bool {
    brackets.contains { $0.rows.dropFirst().contains(row) }
  }

  func x(_ item: Int) -> Double {
    layout.items[item].x + shifts[columns[layout.items[item].row]]
  }

  /// The boxes that an item is drawn as.
  func frames(_ item: Int) -> [Box] {
    guard let index = layout.items[item].box else { return [] }
    let box = network.boxes[index]
    let row = layout.items[item].row
    let height = NetworkDrawing.height(box)
    let top = tops[row] + (heights[row] - height) / 2
    let count = Double(box.towers)
    let width = (layout.items[item].width - 14 * (count - 1)) / count
    let left = x(item) - layout.items[item].width / 2
    return (0..<box.towers).map {
      Box(left + Double($0) * (width + 14), top, width, height)
    }
  }

  // MARK: Drawing

  var picture: Picture {
    var (lines, boxes, labels): ([Element], [Element], [Element]) = ([], [], [])
    lines.append(contentsOf: edges)
    for item in layout.items.indices {
      guard let index = layout.items[item].box else { continue }
      boxes += draw(network.boxes[index], frames(item))
      labels += shapes(item, network.boxes[index])
    }
    var elements = lines + boxes + labels + brackets.flatMap(draw)
    let box = Element.union(of: elements) ?? Box(0, 0, 1, 1)
    elements += legend(below: box)
    elements.append(
      .text(title, Point(box.x, box.y - 52), size: 20, bold: true, fitting: max(box.width, 320)))
    elements.append(
      .text(costWords, Point(box.x, box.y - 26), size: 13, .muted, fitting: max(box.width, 320)))
    return Picture(title: title, summary: summary, elements, margin: 24)
  }

  private func draw(_ bracket: NetworkBracket) -> [Element] {
    let last = bracket.rows.upperBound - 1
    return bracket.elements(
      top: tops[bracket.rows.lowerBound], bottom: tops[last] + heights[last],
      shift: shifts[columns[bracket.rows.lowerBound]])
  }

  private var costWords: String {
    "\(Measure.short(Double(cost.parameters))) parameters, "
      + "\(Measure.short(Double(cost.multiplyAdds))) multiply-adds"
      + (network.partition.map { " on each of \($0.ranks) ranks" } ?? "")
  }

  private var summary: String {
    let works = network.boxes.filter { $0.role != nil }
    let names = works.prefix(40).map { "\($0.name) (\($0.work))" }.joined(separator: ", ")
    let blocks = network.repeats.map { run in
      "\(run.count) from \(network.boxes[run.boxes.lowerBound].name)"
    }
    return "A network of \(works.count) boxes with \(costWords): \(names)"
      + (works.count > 40 ? " and \(works.count - 40) more." : ".")
      + (blocks.isEmpty ? "" : " Blocks drawn once: \(blocks.joined(separator: ", ")).")
  }

  private func draw(_ box: NetworkBox, _ frames: [Box]) -> [Element] {
    guard let role = box.role else {
      let frame = frames[0]
      let words = box.shape.isEmpty ? box.name : "\(box.name)  \(NetworkDrawing.text(box.shape))"
      return [
        .rectangle(frame, fill: .faint, stroke: Stroke(.muted, 1), radius: frame.height / 2),
        .text(
          words, frame.center, size: 12, anchor: .middle, fitting: frame.width - 16),
      ]
    }
    let tone = NetworkDrawing.tone(role)
    var elements: [Element] = []
    for (tower, frame) in frames.enumerated() {
      elements.append(
        .rectangle(frame, fill: .tint(tone), stroke: Stroke(.series(tone), 1.4), radius: 5))
      if box.groups > NetworkBoxes.mostTowers { elements.append(stripes(box.groups, frame, tone)) }
      if box.ranks > 1 { elements += slices(box.ranks, frame, tone) }
      let top = frame.y + NetworkDrawing.markHeight(box)
      let width = frame.width - 14
      let suffix = frames.count > 1 ? " · \(tower + 1)" : ""
      let name = NetworkDrawing.shortened(box.name, suffix, width)
      elements.append(
        .text(
          name, Point(frame.midX, top + 14), size: 12, anchor: .middle, bold: true,
          fitting: width))
      for (index, line) in NetworkDrawing.lines(box).enumerated() {
        let shown = line == box.work ? work(box, towers: frames.count) : line
        elements.append(
          .text(
            shown, Point(frame.midX, top + 30 + 15 * Double(index)), size: 11,
            line == box.work ? .ink : .muted, anchor: .middle, fitting: width, smallest: 8))
      }
    }
    return elements
  }

  /// A name that is too long without its first components: the last ones distinguish layers.
  private static func shortened(_ name: String, _ suffix: String, _ width: Double) -> String {
    let all = name.split(separator: ".", omittingEmptySubsequences: false)
    var parts = all[...]
    func fits(_ text: String) -> Bool {
      TextMetrics.width(text + suffix, size: 10, bold: true) <= width
    }
    if parts.count > 64 || fits(name) { return name + suffix }
    while parts.count > 1, !fits("…" + parts.joined(separator: ".")) { parts.removeFirst() }
    return (parts.count < all.count ? "…" : "") + parts.joined(separator: ".") + suffix
  }

  /// One tower's part of the operation: `conv 5×5, 128`, without the groups.
  private func work(_ box: NetworkBox, towers: Int) -> String {
    guard towers > 1, box.role == .convolution, let channels = box.shape.first else {
      return box.work
    }
    let whole = box.work.replacingSuffix(", \(channels)", ", \(channels / towers)")
    return whole.removing(" g\(towers)")
  }

  /// Marks along the lower edge, for groups that are too many for separate boxes.
  private func stripes(_ groups: Int, _ frame: Box, _ tone: Int) -> Element {
    let count = min(groups, 32)
    var path = Path()
    let step = (frame.width - 10) / Double(count)
    for index in 0..<count {
      path.rectangle(Box(frame.x + 5 + (Double(index) + 0.2) * step, frame.maxY - 4, step * 0.6, 3))
    }
    return .path(path, fill: .series(tone))
  }

  /// The shape beside the line from a box.
  private func shapes(_ item: Int, _ box: NetworkBox) -> [Element] {
    guard box.role != nil, !layout.items[item].below.isEmpty, !box.shape.isEmpty else { return [] }
    var shape = box.shape
    shape[0] /= box.towers
    return frames(item).map { frame in
      .text(
        NetworkDrawing.text(shape), Point(frame.midX + 5, frame.maxY + 8.5), size: 10, .muted,
        fitting: frame.width / 2 - 2, smallest: 6)
    }
  }

  static func text(_ shape: [Int]) -> String {
    shape.map(String.init).joined(separator: "×")
  }

  static func tone(_ role: Glyph.Role) -> Int {
    switch role {
    case .convolution: 0
    case .pooling: 1
    case .normalization: 2
    case .elementwise: 3
    case .reduction: 4
    case .update: 5
    case .arrangement: 6
    case .exchange: 7
    }
  }

  private func legend(below box: Box) -> [Element] {
    var elements: [Element] = []
    var place = Point(box.x, box.maxY + 34)
    let names: [(Glyph.Role, String)] = [
      (.convolution, "convolution, linear"), (.pooling, "pooling"),
      (.normalization, "normalisation"), (.elementwise, "element by element"),
      (.reduction, "reduction"), (.arrangement, "arrangement"), (.update, "update"),
      (.exchange, "exchange between ranks"),
    ]
    for (role, name) in names where network.boxes.contains(where: { $0.role == role }) {
      let width = 20 + TextMetrics.width(name, size: 12)
      if place.x > box.x, place.x + width > max(box.maxX, box.x + 320) {
        place = Point(box.x, place.y + 20)
      }
      let tone = NetworkDrawing.tone(role)
      elements.append(
        .rectangle(
          Box(place.x, place.y - 6, 12, 12), fill: .tint(tone), stroke: Stroke(.series(tone), 1.4),
          radius: 2))
      elements.append(.text(name, Point(place.x + 18, place.y), size: 12, .muted))
      place.x += width + 20
    }
    let notes =
      ["A box is wider the more multiply-adds it takes."]
      + (brackets.isEmpty
        ? [] : ["A bracket stands beside the first of several blocks that are alike."])
      + (network.partition.map(NetworkDrawing.notes) ?? [])
    for (index, note) in notes.enumerated() {
      elements.append(
        .text(note, Point(box.x, place.y + 22 + 18 * Double(index)), size: 12, .muted))
    }
    return elements
  }
}

extension String {
  fileprivate func replacingSuffix(_ suffix: String, _ other: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) + other : self
  }

  /// Without the first occurrence of a text.
  fileprivate func removing(_ text: String) -> String {
    for start in indices where self[start...].hasPrefix(text) {
      return String(self[..<start]) + self[index(start, offsetBy: text.count)...]
    }
    return self
  }
}
