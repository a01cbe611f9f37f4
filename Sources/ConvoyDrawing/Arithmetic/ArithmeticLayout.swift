import ConvoyGraphs
import ConvoyTensors

/// The positions of the grids of convolution arithmetic, and the elements that are the same in
/// every frame.
struct ArithmeticLayout {
  let arithmetic: ConvolutionArithmetic
  let cell: Double
  /// The top left corners of the grids, one for each channel.
  let inputs: [Point]
  let kernels: [Point]
  let outputs: [Point]
  /// The top left corner of the formula.
  let formula: Point
  let formulaWidth: Double
  let formulaLines: Int
  static let formulaSize = 14.0
  static let lineHeight = 20.0
  private let columnCenters: [Double]
  private let columnWidths: [Double]
  private let top = 64.0

  init(_ arithmetic: ConvolutionArithmetic) {
    self.arithmetic = arithmetic
    let (stage, p) = (arithmetic.stage, arithmetic.parameters)
    let largest = max(stage.rows, stage.columns)
    let cell = largest <= 9 ? 38.0 : (largest <= 14 ? 32 : 27)
    self.cell = cell
    let gap = 0.75 * cell
    let hasKernel = arithmetic.weights != nil
    let widths = [
      Double(stage.columns) * cell, hasKernel ? Double(p.kernel[1]) * cell : 0,
      Double(arithmetic.outputColumns) * cell,
    ]
    // Space for the headings of the columns, and for the signs between them.
    columnWidths = zip(widths, [170.0, hasKernel ? 130 : 0, 130]).map { max($0, $1) }
    let sign = hasKernel ? 34.0 : 46.0
    var x = 0.0
    var centers: [Double] = []
    for width in columnWidths {
      centers.append(x + width / 2)
      x += width + (width > 0 ? sign : 0)
    }
    columnCenters = centers
    let heights = [
      Double(p.inputChannels) * (Double(stage.rows) * cell + gap) - gap,
      Double(arithmetic.outputChannels) * (Double(arithmetic.outputRows) * cell + gap) - gap,
    ]
    let height = max(heights[0], heights[1])
    func column(_ index: Int, count: Int, rows: Int, used: Double) -> [Point] {
      (0..<count).map { i in
        Point(
          centers[index] - widths[index] / 2,
          64 + (height - used) / 2 + Double(i) * (Double(rows) * cell + gap))
      }
    }
    inputs = column(0, count: p.inputChannels, rows: stage.rows, used: heights[0])
    outputs = column(
      2, count: arithmetic.outputChannels, rows: arithmetic.outputRows, used: heights[1])
    kernels = inputs.map { input in
      Point(
        centers[1] - widths[1] / 2,
        input.y + (Double(stage.rows) - Double(p.kernel[0])) * cell / 2)
    }
    let width = max(x - sign, 430)
    formulaWidth = width - 24
    formula = Point(0, 64 + height + 30)
    let lineWidth = formulaWidth
    formulaLines =
      (0..<arithmetic.frameCount).map { frame in
        ArithmeticFormula(
          arithmetic.step(frame), of: p, width: lineWidth, size: ArithmeticLayout.formulaSize
        ).lines.count
      }.max() ?? 1
  }

  /// The box of all frames together, without the heading.
  var bounds: Box {
    Box(
      0, 36, formulaWidth + 24,
      formula.y + Double(formulaLines) * ArithmeticLayout.lineHeight + 14 - 36)
  }

  func box(_ corner: Point, _ row: Int, _ column: Int) -> Box {
    Box(corner.x + Double(column) * cell, corner.y + Double(row) * cell, cell, cell)
  }

  /// With one channel, the input is blue and the output green; with more, each group has a colour.
  func inputTone(_ channel: Int) -> Int {
    isPlain ? 0 : arithmetic.group(ofInput: channel)
  }

  func outputTone(_ channel: Int) -> Int {
    isPlain ? 2 : arithmetic.group(ofOutput: channel)
  }

  private var isPlain: Bool {
    arithmetic.parameters.groups == 1
      && (!arithmetic.parameters.isPooling || arithmetic.parameters.inputChannels == 1)
  }

  // MARK: The same in every frame

  /// The title and the parameters, above the grids.
  var heading: [Element] {
    [
      .text(arithmetic.title, Point(0, 0), size: 18, bold: true, fitting: bounds.width),
      .text(arithmetic.details, Point(0, 22), size: 13, .muted, fitting: bounds.width),
    ]
  }

  /// Headings, cells and lines: everything that does not change between frames.
  var base: [Element] {
    let (p, stage) = (arithmetic.parameters, arithmetic.stage)
    // An invisible frame, so that every frame of a picture has the same size.
    var frame = Element.rectangle(bounds)
    frame.attributes.append(("stroke", "none"))
    var elements = [frame] + headings
    for channel in 0..<p.inputChannels {
      elements += cells(ofInput: channel)
      elements.append(
        grid(inputs[channel], stage.rows, stage.columns, Stroke(.rule, 1)))
      elements.append(border(ofInput: channel))
    }
    for (channel, corner) in outputs.enumerated() {
      elements.append(grid(corner, arithmetic.outputRows, arithmetic.outputColumns, Stroke(.rule)))
      let box = Box(
        corner.x, corner.y, Double(arithmetic.outputColumns) * cell,
        Double(arithmetic.outputRows) * cell)
      elements.append(
        .rectangle(box, stroke: Stroke(.series(outputTone(channel)), 1.6)))
    }
    return elements
  }

  private var headings: [Element] {
    let p = arithmetic.parameters
    let (first, second) = (
      "\(p.input[0])×\(p.input[1])", "\(arithmetic.outputRows)×\(arithmetic.outputColumns)"
    )
    let spread = arithmetic.stage.isTurned && p.stride != [1, 1] ? ", spread out" : ""
    let inputs =
      (p.inputChannels == 1 ? "input \(first)" : "input \(p.inputChannels)×\(first)") + spread
    let outputs =
      arithmetic.outputChannels == 1
      ? "output \(second)" : "output \(arithmetic.outputChannels)×\(second)"
    let y = top - 18
    var elements = [
      Element.text(
        inputs, Point(columnCenters[0], y), .muted, anchor: .middle, fitting: columnWidths[0]),
      Element.text(
        outputs, Point(columnCenters[2], y), .muted, anchor: .middle, fitting: columnWidths[2]),
    ]
    let signY = ((self.inputs.first?.y ?? 0) + formula.y - 30) / 2
    func between(_ a: Int, _ b: Int) -> Double {
      let left = columnCenters[a] + columnWidths[a] / 2
      return (left + columnCenters[b] - columnWidths[b] / 2) / 2
    }
    if arithmetic.weights != nil {
      elements.append(
        .text("∗", Point(between(0, 1), signY), size: 22, .muted, anchor: .middle))
      elements.append(
        .text("=", Point(between(1, 2), signY), size: 22, .muted, anchor: .middle))
    } else {
      elements.append(
        .text("→", Point(between(0, 2), signY), size: 22, .muted, anchor: .middle))
    }
    return elements
  }

  /// The middle of the kernels' column and the position of its heading.
  var kernelHeading: (point: Point, width: Double) {
    (Point(columnCenters[1], top - 18), columnWidths[1] + 28)
  }

  private func cells(ofInput channel: Int) -> [Element] {
    let stage = arithmetic.stage
    var (elements, zeros) = (Path(), Path())
    for row in 0..<stage.rows {
      for column in 0..<stage.columns {
        let box = box(inputs[channel], row, column)
        if case .element = stage[row, column] {
          elements.rectangle(box)
        } else {
          zeros.rectangle(box)
        }
      }
    }
    return [
      .path(zeros, fill: .faint), .path(elements, fill: .tint(inputTone(channel))),
    ]
  }

  /// A solid line around the input without its padding.
  private func border(ofInput channel: Int) -> Element {
    let stage = arithmetic.stage
    var corners: [Point] = []
    for row in 0..<stage.rows {
      for column in 0..<stage.columns {
        guard case .element = stage[row, column] else { continue }
        let box = box(inputs[channel], row, column)
        corners += [Point(box.x, box.y), Point(box.maxX, box.maxY)]
      }
    }
    return .rectangle(Box(around: corners), stroke: Stroke(.series(inputTone(channel)), 1.6))
  }

  func grid(_ corner: Point, _ rows: Int, _ columns: Int, _ stroke: Stroke) -> Element {
    var path = Path()
    let (width, height) = (Double(columns) * cell, Double(rows) * cell)
    for row in 0...rows {
      let y = corner.y + Double(row) * cell
      path.segment(Point(corner.x, y), Point(corner.x + width, y))
    }
    for column in 0...columns {
      let x = corner.x + Double(column) * cell
      path.segment(Point(x, corner.y), Point(x, corner.y + height))
    }
    return .path(path, stroke: stroke)
  }

  func number(
    _ value: Double, in box: Box, _ tone: Tone = .ink, bold: Bool = false
  ) -> Element {
    .text(
      ArithmeticFormula.text(value), box.center, size: (cell * 0.4).rounded(), tone,
      anchor: .middle, bold: bold, fitting: cell - 5, smallest: 6)
  }
}
