/// The lines and points of one diagram.
struct ConnectionDrawing {
  private(set) var elements: [Element] = []

  private static let rowHeight = 62.0
  private static let places = 7
  private static let spaceGap = 15.0
  private static let labelWidth = 92.0
  private let spaceLeft = ConnectionDrawing.labelWidth + 12
  private let channelLeft: Double
  private let channelWidth: Double

  init(_ diagram: ConnectionDiagram) {
    let spaceWidth = Double(ConnectionDrawing.places - 1) * ConnectionDrawing.spaceGap
    let counts = diagram.channelCounts
    channelLeft = spaceLeft + spaceWidth + 44
    channelWidth = max(90, Double((counts.max() ?? 1) - 1) * 14)
    let right = channelLeft + channelWidth + (diagram.isResidual ? 34 : 0)
    elements.append(
      .text(diagram.name, Point(0, 0), size: 15, bold: true, fitting: right))
    elements.append(
      .text("space", Point(spaceLeft + spaceWidth / 2, 24), size: 11, .muted, anchor: .middle))
    elements.append(
      .text(
        "channels", Point(channelLeft + channelWidth / 2, 24), size: 11, .muted, anchor: .middle))
    var points: [Element] = []
    for (row, layer) in diagram.layers.enumerated() {
      let y = 42 + Double(row) * ConnectionDrawing.rowHeight
      draw(layer, from: counts[row], to: counts[row + 1], y) { channel in
        diagram.group(of: channel, inRow: row, count: counts[row])
      }
    }
    for row in counts.indices {
      let y = 42 + Double(row) * ConnectionDrawing.rowHeight
      for place in 0..<ConnectionDrawing.places {
        points.append(.circle(spacePoint(place, y), radius: 3.6, fill: .ink))
      }
      for channel in 0..<counts[row] {
        let tone = diagram.group(of: channel, inRow: row, count: counts[row])
        points.append(
          .circle(
            channelPoint(channel, of: counts[row], y), radius: 4.2, fill: .series(tone),
            stroke: Stroke(.paper, 1)))
      }
    }
    if diagram.isResidual { drawResidual(rows: diagram.layers.count) }
    elements += points
  }

  private func spacePoint(_ place: Int, _ y: Double) -> Point {
    Point(spaceLeft + Double(place) * ConnectionDrawing.spaceGap, y)
  }

  private func channelPoint(_ channel: Int, of count: Int, _ y: Double) -> Point {
    let gap = count > 1 ? min(20, channelWidth / Double(count - 1)) : 0
    let used = gap * Double(count - 1)
    return Point(channelLeft + (channelWidth - used) / 2 + Double(channel) * gap, y)
  }

  private mutating func draw(
    _ layer: ConnectionDiagram.Layer, from inputs: Int, to outputs: Int, _ y: Double,
    toneAbove: (Int) -> Int
  ) {
    let bottom = y + ConnectionDrawing.rowHeight
    var label: (String, String)
    var space = Path()
    switch layer.kind {
    case .shuffle(let groups):
      label = ("shuffle", "moves only")
      var lines = Array(repeating: Path(), count: Tone.seriesCount)
      let each = inputs / groups
      for channel in 0..<inputs {
        // Row-major [groups, each] read as [each, groups].
        let target = channel % each * groups + channel / each
        lines[toneAbove(channel) % lines.count].segment(
          channelPoint(channel, of: inputs, y), channelPoint(target, of: outputs, bottom))
      }
      for (group, path) in lines.enumerated() where !path.points.isEmpty {
        elements.append(.path(path, stroke: Stroke(.series(group), 1.4)))
      }
      for place in 0..<ConnectionDrawing.places {
        space.segment(spacePoint(place, y), spacePoint(place, bottom))
      }
    case .convolution(let kernel, let count, let groups):
      let isDepthwise = groups > 1 && groups == inputs && groups == count
      let name = "\(kernel)×\(kernel)"
      label = (
        isDepthwise ? "\(name) depthwise" : (groups > 1 ? "\(name), \(groups) groups" : name),
        ConnectionDiagram.law(layer, inputs)
      )
      for place in 0..<ConnectionDrawing.places {
        for tap in -(kernel / 2)...(kernel / 2)
        where (0..<ConnectionDrawing.places).contains(place + tap) {
          space.segment(spacePoint(place + tap, y), spacePoint(place, bottom))
        }
      }
      let (from, to) = (inputs / groups, count / groups)
      for group in 0..<groups {
        var path = Path()
        for a in 0..<from {
          for b in 0..<to {
            path.segment(
              channelPoint(group * from + a, of: inputs, y),
              channelPoint(group * to + b, of: outputs, bottom))
          }
        }
        elements.append(
          .path(
            path,
            stroke: Stroke(.series(isDepthwise ? toneAbove(group) : group), 1.2, opacity: 0.85)))
      }
    }
    elements.append(.path(space, stroke: Stroke(.muted, 1.1)))
    let middle = y + ConnectionDrawing.rowHeight / 2
    elements.append(
      .text(label.0, Point(0, middle - 8), size: 13, fitting: ConnectionDrawing.labelWidth))
    elements.append(
      .text(
        label.1, Point(0, middle + 9), size: 11, .muted, fitting: ConnectionDrawing.labelWidth,
        smallest: 7))
  }

  private mutating func drawResidual(rows: Int) {
    let x = channelLeft + channelWidth + 26
    let (top, bottom) = (42.0, 42 + Double(rows) * ConnectionDrawing.rowHeight)
    var path = Path()
    path.move(Point(x - 14, top))
    path.curve(Point(x + 4, top), Point(x, top + 6), Point(x, top + 24))
    path.line(Point(x, bottom - 24))
    path.curve(Point(x, bottom - 6), Point(x + 4, bottom), Point(x - 6, bottom))
    elements.append(.path(path, stroke: Stroke(.muted, 1.4)))
    elements.append(
      .text("+", Point(x - 13, bottom), size: 15, anchor: .middle, bold: true))
  }
}

extension ConnectionDiagram {
  /// The numbers of channels before, between and after the layers.
  var channelCounts: [Int] {
    var counts = [channels]
    for layer in layers {
      if case .convolution(_, let outputs, _) = layer.kind {
        counts.append(outputs)
      } else {
        counts.append(counts[counts.count - 1])
      }
    }
    return counts
  }

  /// The group that sets the colour of a channel's point: that of the layer that computes it, or,
  /// for the input, that reads it.
  ///
  /// A shuffle and a depthwise convolution after another layer keep the colours.
  func group(of channel: Int, inRow row: Int, count: Int) -> Int {
    let layer = layers[max(0, row - 1)]
    switch layer.kind {
    case .convolution(_, _, let groups):
      if row > 1, isDepthwise(row - 1) {
        return group(of: channel, inRow: row - 1, count: count)
      }
      return channel * groups / count
    case .shuffle(let groups):
      if row == 0 { return channel * groups / count }
      let source = channel % groups * (count / groups) + channel / groups
      return group(of: source, inRow: row - 1, count: count)
    }
  }

  /// Whether a layer is depthwise.
  func isDepthwise(_ index: Int) -> Bool {
    guard case .convolution(_, let outputs, let groups) = layers[index].kind else { return false }
    return groups > 1 && groups == outputs && groups == channelCounts[index]
  }

  /// The multiply-adds at one position of the map, as a formula.
  static func law(_ layer: Layer, _ inputs: Int) -> String {
    guard case .convolution(let kernel, let outputs, let groups) = layer.kind else { return "0" }
    let taps = kernel == 1 ? "" : "\(kernel)²·"
    let total = kernel * kernel * inputs * outputs / groups
    if groups > 1, groups == inputs, groups == outputs { return "\(taps)\(outputs) = \(total)" }
    return "\(taps)\(inputs)·\(outputs)" + (groups > 1 ? "∕\(groups)" : "") + " = \(total)"
  }

  /// The multiply-adds at one position of the map, of all layers.
  var summary: String {
    var count = channels
    var total = 0
    for layer in layers {
      guard case .convolution(let kernel, let outputs, let groups) = layer.kind else { continue }
      total += kernel * kernel * count * outputs / groups
      count = outputs
    }
    return "\(total) multiply-adds a place"
  }
}
