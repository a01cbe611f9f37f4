public import ConvoyTensors

/// The state of a training after an epoch.
public struct HistoryPoint: Hashable, Sendable {
  /// The epoch, from 1.
  public var epoch: Int
  /// The mean loss of its steps.
  public var loss: Double
  /// The fraction of training images that are classified correctly.
  public var trainingAccuracy: Double
  /// The fraction of held-out images that are classified correctly.
  public var heldOutAccuracy: Double

  /// Describes an epoch.
  public init(epoch: Int, loss: Double, trainingAccuracy: Double, heldOutAccuracy: Double) {
    self.epoch = epoch
    self.loss = loss
    self.trainingAccuracy = trainingAccuracy
    self.heldOutAccuracy = heldOutAccuracy
  }
}

extension Picture {
  /// Draws the loss of a training, and below it the accuracies.
  ///
  /// Numbers that are not finite, such as the loss of a training that diverged, are not drawn.
  ///
  /// - Throws: `ConvoyError` when there is no epoch, or there are more than 5000.
  public static func history(
    _ points: [HistoryPoint], title: String
  ) throws(ConvoyError) -> Picture {
    guard (1...5000).contains(points.count) else {
      throw ConvoyError(
        .argument, "A history of 1 to 5000 epochs can be drawn, got \(points.count).")
    }
    return HistoryDrawing(points: points, title: title).picture
  }
}

private struct HistoryDrawing {
  let points: [HistoryPoint]
  let title: String
  private let width = 560.0

  private struct Curve {
    var name: String
    var tone: Int
    var dashes: [Double]
    var values: [Double]
  }

  var picture: Picture {
    let losses = points.map(\.loss).filter { $0.isFinite && $0.magnitude < 1e9 }
    let lossAxis = Axis(linear: min(0, losses.min() ?? 0), losses.max() ?? 1)
    let accuracies = points.flatMap { [$0.trainingAccuracy, $0.heldOutAccuracy] }.filter(\.isFinite)
    let low = max(0, min(1, accuracies.min() ?? 0))
    let accuracyAxis = Axis(linear: low * 100, 100)
    var elements = panel(
      "loss", lossAxis, top: 0, height: 200,
      [Curve(name: "training", tone: 0, dashes: [], values: points.map(\.loss))], suffix: "")
    elements += panel(
      "accuracy", accuracyAxis, top: 262, height: 200,
      [
        Curve(
          name: "training", tone: 0, dashes: [], values: points.map { $0.trainingAccuracy * 100 }),
        Curve(
          name: "held out", tone: 4, dashes: [6, 3],
          values: points.map { $0.heldOutAccuracy * 100 }),
      ], suffix: " %")
    elements.append(
      .text("epoch", Point(width / 2, 262 + 200 + 40), size: 12, .muted, anchor: .middle))
    elements.append(.text(title, Point(0, -78), size: 18, bold: true, fitting: width))
    elements.append(.text(words, Point(0, -54), size: 13, .muted, fitting: width))
    return Picture(title: title, summary: "Curves of loss and accuracy. \(words).", elements)
  }

  private var words: String {
    let last = points[points.count - 1]
    let count = points.count == 1 ? "1 epoch" : "\(points.count) epochs"
    let loss = last.loss.isFinite ? Measure.rounded(last.loss) : "not finite"
    return "\(count), last loss \(loss), "
      + "\(Measure.rounded(last.heldOutAccuracy * 100)) % of held-out images recognised"
  }

  private func panel(
    _ name: String, _ axis: Axis, top: Double, height: Double, _ curves: [Curve], suffix: String
  ) -> [Element] {
    let frame = Box(0, top, width, height)
    var elements: [Element] = [
      .text(name, Point(0, top - 20), size: 13, bold: true)
    ]
    var grid = Path()
    for tick in axis.ticks {
      let y = frame.maxY - axis.position(tick) * height
      grid.segment(Point(0, y), Point(width, y))
      elements.append(
        .text(
          Measure.rounded(tick) + suffix, Point(-8, y), size: 11, .muted, anchor: .end))
    }
    elements.append(.path(grid, stroke: Stroke(.rule, 0.8)))
    elements += epochs(frame)
    var legend = width
    for curve in curves.reversed() {
      var path = Path()
      var isDrawing = false
      var (count, lastPlace) = (0, Point(0, 0))
      for (index, value) in curve.values.enumerated() {
        guard value.isFinite, value.magnitude < 1e9 else {
          isDrawing = false
          continue
        }
        let place = Point(x(index), frame.maxY - min(1, max(0, axis.position(value))) * height)
        if isDrawing { path.line(place) } else { path.move(place) }
        (isDrawing, count, lastPlace) = (true, count + 1, place)
      }
      if count == 1 {
        elements.append(.circle(lastPlace, radius: 3, fill: .series(curve.tone)))
      } else if count > 1 {
        elements.append(
          Element.path(path, stroke: Stroke(.series(curve.tone), 2, dashes: curve.dashes))
            .with("stroke-linejoin", "round"))
      }
      if curves.count > 1 {
        let words = TextMetrics.width(curve.name, size: 12)
        legend -= words
        elements.append(.text(curve.name, Point(legend, top - 20), size: 12, .muted))
        legend -= 30
        elements.append(
          .line(
            Point(legend, top - 20), Point(legend + 24, top - 20),
            Stroke(.series(curve.tone), 2, dashes: curve.dashes)))
        legend -= 18
      }
    }
    return elements
  }

  private func x(_ index: Int) -> Double {
    points.count == 1 ? width / 2 : Double(index) / Double(points.count - 1) * width
  }

  private func epochs(_ frame: Box) -> [Element] {
    var elements: [Element] = []
    let step = max(1, (points.count + 9) / 10)
    let last = points.count - 1
    for index in points.indices {
      // Multiples of the step, and the last epoch; its predecessor is left out if both would
      // overlap.
      let isStep = index % step == 0 && (index == last || last - index >= step / 2 + step % 2)
      guard isStep || index == last else { continue }
      elements.append(
        .text(
          "\(points[index].epoch)", Point(x(index), frame.maxY + 14), size: 11, .muted,
          anchor: .middle))
    }
    return elements
  }
}
