public import ConvoyTensors

extension ConvolutionArithmetic {
  /// An animation, which plays in a browser without a script, and does not move if the reader
  /// prefers reduced motion.
  ///
  /// - Parameter secondsPerStep: how long each step is shown.
  /// - Throws: `ConvoyError` when the time is not from 0.05 to 60 seconds.
  public func animation(secondsPerStep: Double = 1) throws(ConvoyError) -> Picture {
    guard (0.05...60).contains(secondsPerStep) else {
      throw ConvoyError(
        .attribute, "A step can take from 0.05 to 60 seconds, got \(secondsPerStep).")
    }
    let layout = ArithmeticLayout(self)
    let timeline = Timeline(steps: frameCount, secondsPerStep: secondsPerStep)
    let scene = ArithmeticScene(layout, .animated(timeline))
    return Picture(
      title: title, summary: summary,
      [.group(layout.heading + layout.base), .group(scene.under)] + scene.middle
        + [.group(scene.over)], rules: timeline.rules + scene.rules)
  }

  /// One step of the animation, as a still picture.
  ///
  /// - Parameter frame: the step, counted from 1.
  /// - Throws: `ConvoyError` when there is no such step.
  public func still(frame: Int) throws(ConvoyError) -> Picture {
    try validate(frame)
    let layout = ArithmeticLayout(self)
    let scene = ArithmeticScene(layout, .still(frame - 1))
    return Picture(
      title: "\(title), step \(frame) of \(frameCount)", summary: summary,
      [.group(layout.heading + layout.base), .group(scene.under)] + scene.middle + [
        .group(scene.over)
      ])
  }

  /// Several steps on one sheet.
  ///
  /// - Parameter frames: the steps, counted from 1; by default up to twelve, evenly spread.
  /// - Throws: `ConvoyError` when there is no such step, or there are more than 36.
  public func storyboard(frames: [Int]? = nil) throws(ConvoyError) -> Picture {
    let count = min(12, frameCount, max(2, 200_000 / bytesPerPanel))
    let frames =
      frames
      ?? (0..<count).map { count == 1 ? 1 : 1 + $0 * (frameCount - 1) / (count - 1) }
    for frame in frames { try validate(frame) }
    guard !frames.isEmpty, frames.count * bytesPerPanel <= 270_000 else {
      throw ConvoyError(
        .attribute,
        "A sheet of this arithmetic can hold 1 to \(270_000 / bytesPerPanel) steps, "
          + "got \(frames.count).")
    }
    let layout = ArithmeticLayout(self)
    let panel = layout.bounds
    let aspect = panel.width / panel.height
    // The number of columns that makes the sheet about one and a half times as wide as high.
    let ideal = (1.5 * Double(frames.count) / aspect).squareRoot()
    let columns = min(frames.count, max(1, Int(ideal.rounded())))
    let scale = min(1, max(0.35, 1500 / (Double(columns) * panel.width)))
    let (dx, dy) = (panel.width * scale + 36, panel.height * scale + 36)
    let base = Element.group(layout.base)
    let middle = ArithmeticScene(layout, .still(frames[0] - 1)).middle
    let numbers = Element.group(middle)
    var elements: [Element] = [
      .text(title, Point(0, -42), size: 20, bold: true),
      .text(details, Point(0, -18), size: 14, .muted),
    ]
    for (index, frame) in frames.enumerated() {
      let place = Point(
        Double(index % columns) * dx - panel.x * scale,
        Double(index / columns) * dy
          - panel.y * scale)
      let scene = ArithmeticScene(layout, .still(frame - 1))
      elements.append(.use("base", of: base, at: place, scale: scale))
      elements.append(.group(scene.under, at: place, scale: scale))
      elements.append(.use("numbers", of: numbers, at: place, scale: scale))
      elements.append(.group(scene.over, at: place, scale: scale))
    }
    return Picture(
      title: "\(title), \(frames.count) of \(frameCount) steps", summary: summary, elements,
      definitions: [("base", base), ("numbers", numbers)], margin: 28)
  }

  /// The approximate size of a panel's text: it has its output and the weights, twice.
  private var bytesPerPanel: Int {
    1500 + 130 * frameCount + 220 * step(0).terms.count
  }

  private func validate(_ frame: Int) throws(ConvoyError) {
    guard (1...frameCount).contains(frame) else {
      throw ConvoyError(
        .attribute, "The animation has the steps 1 to \(frameCount), got \(frame).")
    }
  }

  // MARK: Texts

  var title: String {
    let p = parameters
    let kernel = "\(p.kernel[0])×\(p.kernel[1])"
    return switch p.operation {
    case .convolution:
      p.groups == 1
        ? "\(kernel) convolution"
        : (p.groups == p.inputChannels
          ? "\(kernel) depthwise convolution" : "\(kernel) convolution in \(p.groups) groups")
    case .transposed:
      "\(kernel) transposed convolution" + (p.groups == 1 ? "" : " in \(p.groups) groups")
    case .maximum: "\(kernel) max pooling"
    case .average: "\(kernel) average pooling"
    }
  }

  /// The parameters that are not the defaults: `stride 2, padding 1`.
  var details: String {
    let p = parameters
    func text(_ values: [Int]) -> String {
      values[0] == values[1] ? "\(values[0])" : "\(values[0])×\(values[1])"
    }
    var parts = ["stride \(text(p.stride))", "padding \(text(p.padding))"]
    if p.dilation != [1, 1] { parts.append("dilation \(text(p.dilation))") }
    if p.outputPadding != [0, 0] { parts.append("output padding \(text(p.outputPadding))") }
    return parts.joined(separator: ", ")
  }

  private var summary: String {
    let p = parameters
    let first = step(0)
    let formula = ArithmeticFormula(first, of: p, width: 1e9, size: 1)
    return "The arithmetic of a \(title), \(details): \(p.inputChannels) × \(p.input[0]) × "
      + "\(p.input[1]) numbers become \(outputChannels) × \(outputRows) × \(outputColumns). The "
      + "first comes about as " + formula.lines.map(\.text).joined(separator: " ") + "."
  }
}
