public import ConvoyTensors

extension Picture {
  /// Draws which output channels depend on which input channels, and how strongly: a matrix that is
  /// block-diagonal with groups.
  ///
  /// A cell is the root mean square of a kernel's weights, or of several kernels if there are more
  /// channels than can be drawn.
  ///
  /// - Parameters:
  ///   - weights: a convolution's, [O, I∕G, k…]; or a linear layer's, [O, I].
  ///   - groups: the groups, G.
  ///   - name: the layer's name.
  /// - Throws: `ConvoyError` when the weights have fewer than two extents, or the groups do not
  ///   divide the output channels.
  public static func channelMatrix(
    _ weights: Tensor, groups: Int, name: String = "random weights"
  ) throws(ConvoyError) -> Picture {
    guard weights.shape.rank >= 2 else {
      throw ConvoyError(
        .shape,
        "Weights of at least two extents are expected, output and input channels, "
          + "got \(weights.shape).")
    }
    guard groups >= 1, weights.shape[0] % groups == 0 else {
      throw ConvoyError(
        .attribute,
        "A number of groups is expected that divides the \(weights.shape[0]) output channels, "
          + "got \(groups).")
    }
    let inputs = weights.shape[1].multipliedReportingOverflow(by: groups)
    guard !inputs.overflow else {
      throw ConvoyError(.attribute, "The groups are too many: \(groups).")
    }
    return ChannelMatrixDrawing(weights, groups, inputs.partialValue, name).picture
  }
}

private struct ChannelMatrixDrawing {
  let groups: Int
  let outputs: Int
  let inputs: Int
  let name: String
  let taps: Int
  /// The numbers of cells in each direction.
  private let rows: Int
  private let columns: Int
  /// The root mean square of a cell's weights, relative to the largest; nil for a cell without
  /// weights.
  private var strengths: [Double?]

  private static let mostCells = 72

  /// The number of cells: that of the channels, or their largest divisor that can be drawn.
  private static func cells(for channels: Int) -> Int {
    if channels <= mostCells { return channels }
    return (24...mostCells).last { channels % $0 == 0 } ?? mostCells
  }

  init(_ weights: Tensor, _ groups: Int, _ inputs: Int, _ name: String) {
    self.groups = groups
    self.inputs = inputs
    self.name = name
    outputs = weights.shape[0]
    taps = weights.shape.dimensions.dropFirst(2).reduce(1, *)
    rows = ChannelMatrixDrawing.cells(for: outputs)
    columns = ChannelMatrixDrawing.cells(for: inputs)
    var sums = Array(repeating: 0.0, count: rows * columns)
    var counts = Array(repeating: 0, count: rows * columns)
    let (perGroup, outputsPerGroup) = (weights.shape[1], outputs / groups)
    for output in 0..<outputs {
      for input in 0..<perGroup {
        let channel = output / outputsPerGroup * perGroup + input
        let cell = output * rows / outputs * columns + channel * columns / inputs
        let start = (output * perGroup + input) * taps
        for tap in start..<start + taps {
          let weight = Double(weights.elements[tap])
          if weight.isFinite { sums[cell] += weight * weight }
        }
        counts[cell] += taps
      }
    }
    let roots = zip(sums, counts).map { sum, count in
      count > 0 ? (sum / Double(count)).squareRoot() : 0
    }
    let largest = max(roots.max() ?? 0, 1e-30)
    strengths = zip(roots, counts).map { root, count in count > 0 ? root / largest : nil }
  }

  var picture: Picture {
    let side = max(5, min(22, 460 / Double(max(rows, columns))))
    let (width, height) = (Double(columns) * side, Double(rows) * side)
    var elements: [Element] = [.rectangle(Box(0, 0, width, height), fill: .faint)]
    elements += cells(side)
    // The borders of the groups' blocks.
    for group in 0..<groups where groups <= ChannelMatrixDrawing.mostCells {
      let (x, y) = (
        Double(group) * width / Double(groups), Double(group) * height / Double(groups)
      )
      elements.append(
        .rectangle(
          Box(x, y, width / Double(groups), height / Double(groups)),
          stroke: Stroke(.series(group), groups > 16 ? 0.8 : 1.4)))
    }
    elements.append(.rectangle(Box(0, 0, width, height), stroke: Stroke(.rule, 1)))
    elements.append(
      .text("input channels, \(inputs)", Point(width / 2, -14), size: 12, .muted, anchor: .middle))
    elements.append(
      .uprightText("output channels, \(outputs)", Point(-14, height / 2), size: 12, .muted))
    let words = max(width, 340)
    elements.append(.text(name, Point(0, -66), size: 18, bold: true, fitting: words))
    elements.append(.text(sparsity, Point(0, -42), size: 13, .muted, fitting: words))
    var y = height + 24
    for line in TextMetrics.wrapped(
      legend.split(separator: " ").map(String.init), width: words, size: 12)
    {
      elements.append(.text(line, Point(0, y), size: 12, .muted))
      y += 17
    }
    return Picture(
      title: "Channel connectivity of \(name)",
      summary: "A matrix of \(outputs) output and \(inputs) input channels. \(sparsity). \(legend)",
      elements)
  }

  private var sparsity: String {
    let kept = Measure.product([outputs, inputs / groups, taps])
    return groups == 1
      ? "dense: every output sees every input, \(Measure.grouped(kept)) weights"
      : "\(groups) groups keep 1∕\(groups) of the connections, \(Measure.grouped(kept)) weights"
  }

  private var legend: String {
    let cell =
      rows == outputs && columns == inputs
      ? "A square is a pair of channels"
      : "A square is \(ratio(outputs, rows)) output by \(ratio(inputs, columns)) input channels"
    return cell + "; the fuller its colour, the larger its weights (root mean square)."
  }

  private func ratio(_ a: Int, _ b: Int) -> String {
    a % b == 0 ? "\(a / b)" : "about \(SVGNumber.text((Double(a) / Double(b) * 10).rounded() / 10))"
  }

  /// A path for each shade, which keeps the file small with thousands of cells.
  private func cells(_ side: Double) -> [Element] {
    var paths: [Tone: Path] = [:]
    var order: [Tone] = []
    for row in 0..<rows {
      for column in 0..<columns {
        guard let strength = strengths[row * columns + column] else { continue }
        // The group of the cell's first output channel.
        let group = row * outputs / rows * groups / outputs
        let step = 1 + Int((strength * Double(Tone.heatSteps - 1)).rounded())
        let tone = Tone.level(group % Tone.seriesCount, min(Tone.heatSteps, step))
        if paths[tone] == nil { order.append(tone) }
        paths[tone, default: Path()].rectangle(
          Box(Double(column) * side, Double(row) * side, side, side))
      }
    }
    return order.compactMap { tone in paths[tone].map { .path($0, fill: tone) } }
  }
}
