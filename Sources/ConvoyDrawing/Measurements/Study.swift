public import ConvoyTensors

/// The results of a network with one number of groups, over several seeds: accuracy, cost and time.
public struct StudyPoint: Hashable, Sendable {
  /// A mean over seeds, and its standard deviation.
  public struct Spread: Hashable, Sendable {
    /// The mean.
    public var mean: Double
    /// The standard deviation; nil with a single seed.
    public var deviation: Double?

    /// A mean with its deviation.
    public init(_ mean: Double, deviation: Double? = nil) {
      self.mean = mean
      self.deviation = deviation
    }
  }

  /// The number of groups.
  public var groups: Int
  /// The number of seeds.
  public var seeds: Int
  /// The fraction of held-out images that are classified correctly.
  public var accuracy: Spread
  /// Trained parameters.
  public var parameters: Int
  /// Multiply-adds for one image.
  public var multiplyAdds: Int
  /// The time of one image, forward.
  public var milliseconds: Spread

  /// The results with one number of groups.
  public init(
    groups: Int, seeds: Int, accuracy: Spread, parameters: Int, multiplyAdds: Int,
    milliseconds: Spread
  ) {
    self.groups = groups
    self.seeds = seeds
    self.accuracy = accuracy
    self.parameters = parameters
    self.multiplyAdds = multiplyAdds
    self.milliseconds = milliseconds
  }
}

extension Picture {
  /// Draws the effect of filter groups: accuracy over parameters, multiply-adds and time, a point
  /// for each number of groups, with bars of one standard deviation over seeds.
  ///
  /// A time that is not finite and positive is left out of its panel; a point whose accuracy is not
  /// finite is left out of all panels.
  ///
  /// The form follows Ioannou, Robertson, Cipolla and Criminisi, "Deep Roots: improving CNN
  /// efficiency with hierarchical filter groups", 2017.
  ///
  /// - Parameter title: the network and the data.
  /// - Throws: `ConvoyError` when no point is left, there are more than 24, or two points have the
  ///   same number of groups.
  public static func study(
    _ points: [StudyPoint], title: String
  ) throws(ConvoyError) -> Picture {
    let shown = points.filter(\.accuracy.mean.isFinite).sorted { $0.groups < $1.groups }
    guard (1...24).contains(shown.count) else {
      throw ConvoyError(
        .argument,
        "From 1 to 24 numbers of groups with an accuracy can be drawn, got \(shown.count).")
    }
    guard Set(shown.map(\.groups)).count == shown.count else {
      throw ConvoyError(
        .argument, "One point for each number of groups is expected, got several for one.")
    }
    return StudyDrawing(points: shown, title: title).picture
  }
}

private struct StudyDrawing {
  let points: [StudyPoint]
  let title: String
  private static let (width, height, gap) = (250.0, 260.0, 52.0)

  var picture: Picture {
    let axis = accuracyAxis
    let panels = [
      StudyPanel(
        caption: "parameters",
        marks: marks { Measured(Double($0.parameters), nil) }),
      StudyPanel(
        caption: "multiply-adds, one image",
        marks: marks { Measured(Double($0.multiplyAdds), nil) }),
      timePanel,
    ]
    var elements: [Element] = []
    for (index, panel) in panels.enumerated() {
      let frame = Box(
        Double(index) * (StudyDrawing.width + StudyDrawing.gap), 0, StudyDrawing.width,
        StudyDrawing.height)
      elements += panel.elements(in: frame, accuracy: axis, namesAccuracy: index == 0)
    }
    let room = 3 * StudyDrawing.width + 2 * StudyDrawing.gap
    elements.append(
      .text("accuracy on held-out images", Point(0, -20), size: 13, bold: true))
    elements.append(.text(title, Point(0, -78), size: 18, bold: true, fitting: room))
    elements.append(.text(words, Point(0, -54), size: 13, .muted, fitting: room))
    return Picture(title: title, summary: summary, elements)
  }

  private typealias Measured = (value: Double, deviation: Double?)

  private func marks(_ measured: (StudyPoint) -> Measured?) -> [StudyPanel.Mark] {
    points.enumerated().compactMap { index, point in
      guard let (value, deviation) = measured(point) else { return nil }
      let isLast = index == points.count - 1
      return StudyPanel.Mark(
        label: isLast ? StudyDrawing.name(point.groups) : "\(point.groups)", tone: index,
        value: value, deviation: deviation,
        accuracy: point.accuracy.mean * 100,
        accuracyDeviation: StudyDrawing.finite(point.accuracy.deviation).map { $0 * 100 })
    }
  }

  /// In seconds, milliseconds or microseconds, whichever suits the longest time.
  private var timePanel: StudyPanel {
    let times = points.map(\.milliseconds.mean).filter(StudyDrawing.isTime)
    let units = [("s", 1e3), ("ms", 1.0), ("µs", 1e-3), ("ns", 1e-6)]
    let (name, scale) = units.first { $0.1 <= times.max() ?? 1 } ?? units[3]
    return StudyPanel(
      caption: "time of one image forward, \(name)",
      marks: marks { point in
        guard StudyDrawing.isTime(point.milliseconds.mean) else { return nil }
        return (
          point.milliseconds.mean / scale,
          StudyDrawing.finite(point.milliseconds.deviation).map { $0 / scale }
        )
      })
  }

  private var accuracyAxis: Axis {
    let ends = points.flatMap { point in
      let deviation = StudyDrawing.finite(point.accuracy.deviation) ?? 0
      return [point.accuracy.mean - deviation, point.accuracy.mean + deviation]
    }
    let (low, high) = ((ends.min() ?? 0) * 100, (ends.max() ?? 1) * 100)
    // A range of at least half a percentage point, so that similar accuracies look similar.
    let room = max(0.5, 0.08 * (high - low))
    return Axis(linear: max(0, min(99, low - room)), max(1, min(100, high + room)))
  }

  private static func isTime(_ value: Double) -> Bool { value > 1e-6 && value < 1e12 }

  private static func finite(_ deviation: Double?) -> Double? {
    deviation.flatMap { $0.isFinite && $0 >= 0 && $0 < 1e12 ? $0 : nil }
  }

  private static func name(_ groups: Int) -> String {
    groups == 1 ? "1 group" : "\(Measure.grouped(groups)) groups"
  }

  private var words: String {
    let counts = points.map { max(0, $0.seeds) }
    let (low, high) = (counts.min() ?? 0, counts.max() ?? 0)
    if high <= 1 { return "each number of groups trained from one seed" }
    let seeds = low == high ? "\(high)" : "\(low) to \(high)"
    return "each number of groups trained from \(seeds) seeds: "
      + "the mean, and bars of one standard deviation"
  }

  private var summary: String {
    func text(_ spread: StudyPoint.Spread, scale: Double) -> String {
      Measure.rounded(spread.mean * scale)
        + (StudyDrawing.finite(spread.deviation).map { " ± \(Measure.rounded($0 * scale))" } ?? "")
    }
    let rows = points.map { point in
      "\(StudyDrawing.name(point.groups)): \(text(point.accuracy, scale: 100)) % with "
        + "\(Measure.grouped(point.parameters)) parameters, "
        + "\(Measure.grouped(point.multiplyAdds)) multiply-adds and "
        + (StudyDrawing.isTime(point.milliseconds.mean)
          ? "\(text(point.milliseconds, scale: 1000)) µs" : "no time measured")
    }
    return "Three panels of accuracy against parameters, multiply-adds and time, "
      + "\(words). \(rows.joined(separator: "; "))."
  }
}
