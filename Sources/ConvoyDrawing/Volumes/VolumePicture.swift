public import ConvoyTensors

extension Picture {
  /// Draws a convolution as blocks in perspective, with a colour for each group.
  ///
  /// - Throws: `ConvoyError` when the extents do not fit together.
  public static func volumes(_ parameters: VolumeParameters) throws(ConvoyError) -> Picture {
    try parameters.validate()
    return VolumeDrawing(parameters).picture
  }
}

/// A block in oblique projection: channels run to the right, height down, width to the back.
private struct Block {
  /// The top left corner of the front.
  var corner: Point
  /// The depths of the segments, from left to right.
  var depths: [Double]
  var height: Double
  var width: Double

  static let back = Point(0.46, -0.34)

  var depth: Double { depths.reduce(0, +) }
  var offset: Point { Block.back * width }
  var box: Box {
    Box(corner.x, corner.y + offset.y, depth + offset.x, height - offset.y)
  }

  /// A part of the block at its front and top, between two positions along its channels.
  func part(_ from: Double, _ to: Double, _ height: Double, _ width: Double) -> Block {
    Block(
      corner: Point(corner.x + from, corner.y), depths: [to - from], height: height, width: width)
  }

  /// - Parameter tones: the series of each segment; nil for outlines only.
  func elements(_ tones: [Int]?, patterned: Bool = false, line: Stroke) -> [Element] {
    var elements: [Element] = []
    var x = corner.x
    for (index, depth) in depths.enumerated() {
      let (a, b) = (Point(x, corner.y), Point(x + depth, corner.y))
      let top = [a, b, b + offset, a + offset]
      let tone = tones?[index]
      let front = Box(x, corner.y, depth, height)
      elements.append(.polygon(top, fill: tone.map { .tint($0) }, stroke: line))
      elements.append(.rectangle(front, fill: tone.map { .strong($0) }, stroke: line))
      if patterned, let tone { elements.append(.rectangle(front, fill: .hatch(tone))) }
      x += depth
    }
    let edge = Point(x, corner.y)
    let down = Point(0, height)
    let side = [edge, edge + offset, edge + offset + down, edge + down]
    elements.append(.polygon(side, fill: tones?.last.map { .shade($0) }, stroke: line))
    return elements
  }
}

private struct VolumeDrawing {
  let p: VolumeParameters
  /// The number of groups that are drawn; dots stand for the others.
  let shown: Int

  init(_ parameters: VolumeParameters) {
    p = parameters
    shown = p.groups <= 6 ? p.groups : 6
  }

  var picture: Picture {
    let input = block(p.input, p.inputChannels)
    let output = block(p.output, p.outputChannels)
    let filter = filterSize
    let column = filters
    let columnHeight = column.reduce(0) { $0 + $1.height } + 18 * Double(column.count - 1)
    let height = max(input.box.height, output.box.height, columnHeight)
    let middle = height / 2

    var left = input
    left.corner = Point(0, middle - input.box.height / 2 - input.offset.y)
    var elements = left.elements(tones(left.depths.count), patterned: p.groups > 1, line: line)
    // The window of the first filter.
    let window = left.part(
      0, left.depths[0], min(left.height, filter.height), min(left.width, filter.width))
    elements += window.elements(nil, line: Stroke(.ink, 2))

    let start = left.box.maxX + 56
    elements.append(
      .text("∗", Point(left.box.maxX + 28, middle), size: 24, .muted, anchor: .middle))
    var y = middle - columnHeight / 2
    var columnBox = Box(start, y, 1, 1)
    for (index, item) in column.enumerated() {
      switch item {
      case .dots:
        for dot in 0..<3 {
          elements.append(
            .circle(
              Point(start + filter.box.width / 2, y + 4 + Double(dot) * 8), radius: 2, fill: .muted)
          )
        }
      case .block(let tone, let words, _):
        var block = filter
        block.corner = Point(start, y - filter.offset.y)
        elements += block.elements(
          [tone], patterned: p.groups > 1, line: index == 0 ? Stroke(.ink, 1.6) : line)
        columnBox = columnBox.union(block.box)
        if let words {
          let label = Element.text(words, Point(block.box.maxX + 10, block.box.midY), .ink)
          elements.append(label)
          columnBox = columnBox.union(label.bounds ?? columnBox)
        }
      }
      y += item.height + 18
    }
    elements.append(
      .text("=", Point(columnBox.maxX + 28, middle), size: 24, .muted, anchor: .middle))

    var right = output
    right.corner = Point(columnBox.maxX + 56, middle - output.box.height / 2 - output.offset.y)
    elements += right.elements(tones(right.depths.count), patterned: p.groups > 1, line: line)
    let unit = 7.0
    let number = right.part(
      0, min(unit, right.depth), min(unit, right.height), min(unit, right.width))
    elements += number.elements([segmentTone(0)], line: Stroke(.ink, 1.6))
    elements += labels(left, columnBox, right, below: height + 30)
    let box = Element.union(of: elements) ?? left.box
    elements += heading(above: box)
    return Picture(title: title, summary: summary, elements, margin: 24)
  }

  private var line: Stroke { Stroke(.ink, 0.9) }

  // MARK: Sizes

  private func pixels(_ extent: Int) -> Double {
    max(16, 150 * Double(extent) / Double(max(p.input[0], p.input[1], p.output[0], p.output[1])))
  }

  /// Channels can be many: the extent grows as their square root.
  private func depth(_ channels: Int) -> Double {
    min(190, max(18, 14 * Double(channels).squareRoot()))
  }

  private func block(_ extents: [Int], _ channels: Int) -> Block {
    let depth = max(depth(channels), 13 * Double(shown))
    return Block(
      corner: Point(0, 0), depths: Array(repeating: depth / Double(shown), count: shown),
      height: pixels(extents[0]), width: pixels(extents[1]))
  }

  private var filterSize: Block {
    let whole = block(p.input, p.inputChannels)
    return Block(
      corner: Point(0, 0), depths: [whole.depths[0]], height: pixels(p.kernel[0]),
      width: pixels(p.kernel[1]))
  }

  private enum Item {
    case block(tone: Int, words: String?, height: Double)
    case dots

    var height: Double { if case .block(_, _, let height) = self { height } else { 24 } }
  }

  private var filters: [Item] {
    let height = filterSize.box.height
    if p.groups == 1 {
      let count = p.outputChannels
      let first = count <= 4 ? count : 3
      var items = (0..<first).map { _ in Item.block(tone: 0, words: nil, height: height) }
      if count > 4 { items += [.dots, .block(tone: 0, words: nil, height: height)] }
      return items
    }
    let each = p.outputChannels / p.groups
    let words =
      p.isSymbolic
      ? (isDepthwise ? "1 filter" : "N∕\(p.groups) filters")
      : (each == 1 ? "1 filter" : "\(each) filters")
    let segments = p.groups <= 4 ? Array(0..<p.groups) : [0, 1, 2, shown - 1]
    var items = segments.map { Item.block(tone: segmentTone($0), words: words, height: height) }
    if p.groups > 4 { items.insert(.dots, at: 3) }
    return items
  }

  private var isDepthwise: Bool { p.groups == p.inputChannels && p.groups == p.outputChannels }

  /// The colour of a segment is that of its group.
  private func segmentTone(_ segment: Int) -> Int { segment }

  private func tones(_ count: Int) -> [Int] { (0..<count).map(segmentTone) }

  // MARK: Texts

  private var title: String {
    let kernel = "\(p.kernel[0])×\(p.kernel[1])"
    if isDepthwise, p.groups > 1 { return "\(kernel) depthwise convolution" }
    return "\(kernel) convolution" + (p.groups > 1 ? " in \(p.groups) groups" : "")
  }

  private func symbol(_ letter: String, _ dimension: Int) -> String {
    guard p.isSymbolic else { return "\(p.output[dimension])" }
    if p.stride > 1 { return "\(letter)∕\(p.stride)" }
    let change = 2 * p.padding - p.kernel[dimension] + 1
    return change == 0 ? letter : (change < 0 ? "(\(letter)−\(-change))" : "(\(letter)+\(change))")
  }

  private var inputWords: String {
    p.isSymbolic ? "H×W×D" : "\(p.input[0])×\(p.input[1])×\(p.inputChannels)"
  }

  private var outputWords: String {
    let channels = p.isSymbolic ? (isDepthwise ? "D" : "N") : "\(p.outputChannels)"
    return "\(symbol("H", 0))×\(symbol("W", 1))×\(channels)"
  }

  private var filterWords: String {
    let each =
      p.isSymbolic
      ? (isDepthwise ? "1" : (p.groups == 1 ? "D" : "D∕\(p.groups)"))
      : "\(p.inputChannels / p.groups)"
    return "\(p.kernel[0])×\(p.kernel[1])×\(each)"
  }

  private var countWords: String {
    let count = p.isSymbolic ? (isDepthwise ? "D" : "N") : "\(p.outputChannels)"
    let noun = p.outputChannels == 1 && !p.isSymbolic ? "filter" : "filters"
    if isDepthwise, p.groups > 1 { return "\(count) filters, a channel each" }
    return p.groups == 1 ? "\(count) \(noun)" : "\(count) \(noun) in \(p.groups) groups"
  }

  private func labels(
    _ left: Block, _ filters: Box, _ right: Block, below y: Double
  ) -> [Element] {
    func label(_ x: Double, _ first: String, _ second: String) -> [Element] {
      [
        .text(first, Point(x, y), size: 15, anchor: .middle, bold: true),
        .text(second, Point(x, y + 20), size: 12, .muted, anchor: .middle),
      ]
    }
    // Texts that are wider than their blocks are moved apart.
    let widths = [inputWords, filterWords, outputWords].map {
      max(TextMetrics.width($0, size: 15, bold: true), 60)
    }
    let first = left.box.midX
    let second = max(
      filters.midX,
      first + (widths[0] + max(widths[1], TextMetrics.width(countWords, size: 12))) / 2 + 16)
    let third = max(
      right.box.midX,
      second + (widths[2] + max(widths[1], TextMetrics.width(countWords, size: 12))) / 2 + 16)
    return label(first, inputWords, "input") + label(second, filterWords, countWords)
      + label(third, outputWords, "output")
  }

  private func heading(above box: Box) -> [Element] {
    [
      .text(title, Point(box.x, box.y - 52), size: 18, bold: true),
      .text(law, Point(box.x, box.y - 30), size: 13, .muted),
    ]
  }

  /// The cost, as a product.
  private var law: String {
    let kernel = "\(p.kernel[0])·\(p.kernel[1])"
    if p.isSymbolic {
      let channels =
        isDepthwise && p.groups > 1 ? "D" : "D·N" + (p.groups > 1 ? "∕\(p.groups)" : "")
      return "multiply-adds: \(symbol("H", 0))·\(symbol("W", 1))·\(channels)"
        + (p.kernel == [1, 1] ? "" : "·\(kernel)")
    }
    let each = p.inputChannels / p.groups
    let weights = Measure.product([p.kernel[0], p.kernel[1], each, p.outputChannels])
    let total = Measure.product([weights, p.output[0], p.output[1]])
    return "\(Measure.grouped(weights)) weights, \(Measure.grouped(total)) multiply-adds"
  }

  private var summary: String {
    "\(inputWords) numbers meet \(countWords) of \(filterWords) and become \(outputWords); \(law)."
  }
}
