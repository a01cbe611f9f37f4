import ConvoyGraphs
import ConvoyTensors

/// What one frame adds to the grids, or the parts of an animation that change.
struct ArithmeticScene {
  enum Mode {
    case still(Int)
    case animated(Timeline)
  }

  /// Below the input's numbers: the background of the window's cells.
  private(set) var under: [Element] = []
  /// The input's numbers, which are the same in every frame.
  private(set) var middle: [Element] = []
  /// Above the numbers: outlines, weights, the output and the formula.
  private(set) var over: [Element] = []
  private(set) var rules = ""

  private let layout: ArithmeticLayout
  private var arithmetic: ConvolutionArithmetic { layout.arithmetic }
  private var area: Int { arithmetic.outputRows * arithmetic.outputColumns }

  init(_ layout: ArithmeticLayout, _ mode: Mode) {
    self.layout = layout
    middle = numbers
    switch mode {
    case .still(let frame):
      let channel = frame / area
      let offset = self.offset(frame)
      under = [.group(coveredCells(channel), at: offset)]
      over = [.group(windows(channel), at: offset)] + kernels(channel)
      for earlier in 0...frame { over.append(outputNumber(earlier)) }
      over += details(frame)
    case .animated(let timeline): animate(timeline)
    }
  }

  private mutating func animate(_ timeline: Timeline) {
    var moves = ""
    for frame in 0..<arithmetic.frameCount {
      let offset = offset(frame)
      let (x, y) = (SVGNumber.text(offset.x), SVGNumber.text(offset.y))
      moves += "\(timeline.percent(frame)){transform:translate(\(x)px,\(y)px)}"
    }
    rules = "@keyframes m{\(moves)}"
    let last = arithmetic.frameCount - 1
    for channel in 0..<arithmetic.outputChannels {
      let name = "c\(channel)"
      let opacity: Double = channel == arithmetic.outputChannels - 1 ? 1 : 0
      rules += timeline.shown(name, during: channel * area..<(channel + 1) * area)
      let place = offset(last)
      under.append(
        Element.group([moving(coveredCells(channel), place)]).animated(name, opacity: opacity))
      over.append(
        Element.group([moving(windows(channel), place)]).animated(name, opacity: opacity))
      over.append(Element.group(kernels(channel)).animated(name, opacity: opacity))
    }
    for frame in 0...last {
      rules += timeline.appearing("o\(frame)", at: frame)
      rules += timeline.shown("s\(frame)", during: frame..<frame + 1)
      over.append(outputNumber(frame).animated("o\(frame)"))
      over.append(
        Element.group(details(frame)).animated("s\(frame)", opacity: frame == last ? 1 : 0))
    }
  }

  /// A group that moves with the window; without an animation, it is at the window's last position.
  private func moving(_ children: [Element], _ place: Point) -> Element {
    var element = Element.group(children, at: place).animated("m")
    // All its positions are inside the grids, whose boxes are known.
    element.bounds = nil
    return element
  }

  private func offset(_ frame: Int) -> Point {
    let (row, column) = (frame % area / arithmetic.outputColumns, frame % arithmetic.outputColumns)
    return Point(
      Double(column * arithmetic.stage.stride[1]) * layout.cell,
      Double(row * arithmetic.stage.stride[0]) * layout.cell)
  }

  // MARK: Parts

  private var numbers: [Element] {
    let stage = arithmetic.stage
    var elements: [Element] = []
    for channel in 0..<arithmetic.parameters.inputChannels {
      for row in 0..<stage.rows {
        for column in 0..<stage.columns {
          let cell = stage[row, column]
          let box = layout.box(layout.inputs[channel], row, column)
          let isElement = if case .element = cell { true } else { false }
          // Padding of a pooling has no number: it is never a maximum.
          if !isElement, arithmetic.parameters.operation == .maximum { continue }
          elements.append(
            layout.number(arithmetic.value(channel, cell), in: box, isElement ? .ink : .muted))
        }
      }
    }
    return elements
  }

  /// The boxes of the window's elements on a channel's grid, at the window's first position.
  private func windowBoxes(_ input: Int) -> [(row: Int, column: Int, box: Box)] {
    let (stage, kernel) = (arithmetic.stage, arithmetic.parameters.kernel)
    return (0..<kernel[0]).flatMap { ky in
      (0..<kernel[1]).map { kx in
        let box = layout.box(
          layout.inputs[input], ky * stage.dilation[0], kx * stage.dilation[1])
        return (ky, kx, box)
      }
    }
  }

  private func coveredCells(_ output: Int) -> [Element] {
    arithmetic.inputs(ofOutput: output).map { input in
      var path = Path()
      for element in windowBoxes(input) { path.rectangle(element.box) }
      return .path(path, fill: .strong(layout.inputTone(input)))
    }
  }

  /// The window's outlines, and the weights in the corners of the cells it covers.
  private func windows(_ output: Int) -> [Element] {
    let span = arithmetic.stage.span
    var elements: [Element] = []
    for input in arithmetic.inputs(ofOutput: output) {
      let corner = layout.inputs[input]
      var cells = Path()
      for element in windowBoxes(input) { cells.rectangle(element.box) }
      elements.append(.path(cells, stroke: Stroke(.series(layout.inputTone(input)), 1)))
      elements.append(
        .rectangle(
          Box(
            corner.x, corner.y, Double(span[1]) * layout.cell, Double(span[0]) * layout.cell),
          stroke: Stroke(.ink, 2)))
      for (row, column, box) in windowBoxes(input) {
        guard
          let weight = arithmetic.weight(output: output, input: input, row: row, column: column)
        else { continue }
        elements.append(
          .text(
            ArithmeticFormula.text(weight), Point(box.maxX - 3, box.maxY - 0.17 * layout.cell),
            size: (layout.cell * 0.26).rounded(), anchor: .end, bold: true))
      }
    }
    return elements
  }

  private func kernels(_ output: Int) -> [Element] {
    guard arithmetic.weights != nil else { return [] }
    let kernel = arithmetic.parameters.kernel
    let heading = layout.kernelHeading
    let isTurned = arithmetic.stage.isTurned
    let words =
      arithmetic.outputChannels == 1
      ? (isTurned ? "kernel, turned" : "kernel \(kernel[0])×\(kernel[1])")
      : "filter \(output + 1) of \(arithmetic.outputChannels)" + (isTurned ? ", turned" : "")
    var elements = [
      Element.text(words, heading.point, .muted, anchor: .middle, fitting: heading.width)
    ]
    for input in arithmetic.inputs(ofOutput: output) {
      let corner = layout.kernels[input]
      let tone = layout.inputTone(input)
      let frame = Box(
        corner.x, corner.y, Double(kernel[1]) * layout.cell, Double(kernel[0]) * layout.cell)
      elements.append(.rectangle(frame, fill: .strong(tone)))
      elements.append(layout.grid(corner, kernel[0], kernel[1], Stroke(.series(tone), 1)))
      elements.append(.rectangle(frame, stroke: Stroke(.ink, 2)))
      for row in 0..<kernel[0] {
        for column in 0..<kernel[1] {
          let weight = arithmetic.weight(output: output, input: input, row: row, column: column)
          elements.append(
            layout.number(weight ?? 0, in: layout.box(corner, row, column), bold: true))
        }
      }
    }
    return elements
  }

  private func outputBox(_ frame: Int) -> Box {
    let (row, column) = (frame % area / arithmetic.outputColumns, frame % arithmetic.outputColumns)
    return layout.box(layout.outputs[frame / area], row, column)
  }

  private func outputNumber(_ frame: Int) -> Element {
    let box = outputBox(frame)
    let (row, column) = (frame % area / arithmetic.outputColumns, frame % arithmetic.outputColumns)
    let value = arithmetic.result[[0, frame / area, row, column]]
    return .group([
      .rectangle(box.grown(by: -1), fill: .tint(layout.outputTone(frame / area))),
      layout.number(value, in: box),
    ])
  }

  /// The elements of a single step: the outline of the result and the formula.
  private func details(_ frame: Int) -> [Element] {
    let step = arithmetic.step(frame)
    let box = outputBox(frame)
    var elements: [Element] = [
      .rectangle(box, fill: .strong(layout.outputTone(step.channel)), stroke: Stroke(.ink, 2)),
      layout.number(step.result, in: box, bold: true),
    ]
    if arithmetic.parameters.operation == .maximum { elements += winner(of: step) }
    let place =
      arithmetic.outputChannels == 1
      ? "row \(step.row + 1), column \(step.column + 1)"
      : "channel \(step.channel + 1), row \(step.row + 1), column \(step.column + 1)"
    elements.append(
      .text(
        "step \(frame + 1) of \(arithmetic.frameCount): output \(place)", layout.formula,
        .muted, fitting: layout.formulaWidth))
    let formula = ArithmeticFormula(
      step, of: arithmetic.parameters, width: layout.formulaWidth,
      size: ArithmeticLayout.formulaSize)
    for (index, line) in formula.lines.enumerated() {
      let y = layout.formula.y + Double(index + 1) * ArithmeticLayout.lineHeight + 3
      if let channel = line.channel {
        elements.append(
          .rectangle(
            Box(layout.formula.x, y - 6, 12, 12), fill: .strong(layout.inputTone(channel)),
            stroke: Stroke(.series(layout.inputTone(channel)), 1), radius: 2))
      }
      elements.append(
        .text(
          line.text, Point(layout.formula.x + 20, y), size: ArithmeticLayout.formulaSize,
          fitting: layout.formulaWidth + 4))
    }
    return elements
  }

  /// A ring around the largest number of a window.
  private func winner(of step: ArithmeticStep) -> [Element] {
    guard let term = step.terms.first(where: { !$0.isPadding && $0.value == step.result }) else {
      return []
    }
    let box = layout.box(layout.inputs[term.channel], term.row, term.column)
    return [.circle(box.center, radius: layout.cell * 0.36, stroke: Stroke(.ink, 1.6))]
  }
}
