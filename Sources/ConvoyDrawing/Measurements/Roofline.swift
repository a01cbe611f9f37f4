public import ConvoyTensors

/// The measured speed of a layer.
public struct RooflinePoint: Hashable, Sendable {
  /// The layer's name.
  public var name: String
  /// Operations for each byte of input, weights and output.
  public var intensity: Double
  /// GFLOP/s; a multiply-add counts as two operations.
  public var gigaflopsPerSecond: Double
  /// The category of the layer, such as its kernel, shown by colour.
  public var family: String

  /// Describes a measurement.
  public init(name: String, intensity: Double, gigaflopsPerSecond: Double, family: String = "") {
    self.name = name
    self.intensity = intensity
    self.gigaflopsPerSecond = gigaflopsPerSecond
    self.family = family
  }
}

extension Picture {
  /// Draws layers in a roofline chart: the limits of a machine's arithmetic and memory, and the
  /// layers below them.
  ///
  /// Source: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model",
  /// 2009.
  ///
  /// - Parameters:
  ///   - points: the layers; those whose numbers are not positive are left out.
  ///   - peak: the machine's peak, in GFLOP/s.
  ///   - bandwidth: the memory bandwidth, in GB/s; nil if it was not measured.
  /// - Throws: `ConvoyError` when no layer or more than 120 can be drawn, or the peak is not positive.
  public static func roofline(
    _ points: [RooflinePoint], peak: Double, bandwidth: Double?, title: String = "Roofline"
  ) throws(ConvoyError) -> Picture {
    let shown = points.filter { point in
      [point.intensity, point.gigaflopsPerSecond].allSatisfy { $0 > 1e-6 && $0 < 1e9 }
    }
    guard (1...120).contains(shown.count) else {
      throw ConvoyError(
        .argument, "From 1 to 120 layers with positive speeds can be drawn, got \(shown.count).")
    }
    guard peak > 1e-6, peak < 1e9, (bandwidth ?? 1) > 1e-6, (bandwidth ?? 1) < 1e9 else {
      throw ConvoyError(
        .argument,
        "A peak and a bandwidth above 0 are expected, got \(peak) "
          + "and \(bandwidth.map { "\($0)" } ?? "none").")
    }
    return RooflineDrawing(points: shown, peak: peak, bandwidth: bandwidth, title: title).picture
  }
}

private struct RooflineDrawing {
  let points: [RooflinePoint]
  let peak: Double
  let bandwidth: Double?
  let title: String
  private let frame = Box(0, 0, 620, 400)

  private var xAxis: Axis {
    let intensities = points.map(\.intensity)
    let ridge = bandwidth.map { [peak / $0 / 2, peak / $0 * 2] } ?? []
    return Axis(
      doublings: (intensities + ridge).min() ?? 1, ((intensities + ridge).max() ?? 1) * 1.1)
  }

  private var yAxis: Axis {
    let speeds = points.map(\.gigaflopsPerSecond)
    return Axis(doublings: min(speeds.min() ?? 1, peak / 4), max(speeds.max() ?? 1, peak) * 1.1)
  }

  private func place(_ x: Double, _ y: Double) -> Point {
    Point(
      frame.x + xAxis.position(x) * frame.width, frame.maxY - yAxis.position(y) * frame.height)
  }

  var picture: Picture {
    var elements = grid + roofs
    for (index, point) in points.enumerated() {
      let place = place(point.intensity, point.gigaflopsPerSecond)
      elements.append(
        .circle(
          place, radius: 8, fill: .tint(tone(point)), stroke: Stroke(.series(tone(point)), 1.6)))
      elements.append(
        .text("\(index + 1)", place, size: 9, anchor: .middle, bold: true, fitting: 13, smallest: 6)
      )
    }
    elements += list
    elements.append(.text(title, Point(0, -54), size: 18, bold: true, fitting: frame.width))
    elements.append(.text(words, Point(0, -30), size: 13, .muted, fitting: frame.width))
    return Picture(
      title: title,
      summary: "A roofline of \(points.count) layers. \(words). Fastest: \(fastest).", elements)
  }

  private var words: String {
    "peak \(Measure.rounded(peak)) GFLOP/s"
      + (bandwidth.map { ", memory \(Measure.rounded($0)) GB/s" } ?? "")
  }

  private var fastest: String {
    let best = points.max { $0.gigaflopsPerSecond < $1.gigaflopsPerSecond } ?? points[0]
    return "\(best.name) at \(Measure.rounded(best.gigaflopsPerSecond)) GFLOP/s"
  }

  private var families: [String] {
    var names: [String] = []
    for point in points where !names.contains(point.family) { names.append(point.family) }
    return names
  }

  private func tone(_ point: RooflinePoint) -> Int {
    (families.firstIndex(of: point.family) ?? 0) % Tone.seriesCount
  }

  private var grid: [Element] {
    var path = Path()
    var elements: [Element] = []
    for tick in xAxis.ticks {
      let x = place(tick, yAxis.range.lowerBound).x
      path.segment(Point(x, frame.y), Point(x, frame.maxY))
      elements.append(
        .text(number(tick), Point(x, frame.maxY + 14), size: 11, .muted, anchor: .middle))
    }
    for tick in yAxis.ticks {
      let y = place(xAxis.range.lowerBound, tick).y
      path.segment(Point(frame.x, y), Point(frame.maxX, y))
      elements.append(.text(number(tick), Point(-8, y), size: 11, .muted, anchor: .end))
    }
    elements.insert(.path(path, stroke: Stroke(.rule, 0.7)), at: 0)
    elements.append(
      .text(
        "operations a byte", Point(frame.midX, frame.maxY + 36), size: 12, .muted, anchor: .middle))
    elements.append(.uprightText("GFLOP/s", Point(-52, frame.midY), size: 12, .muted))
    return elements
  }

  private func number(_ value: Double) -> String {
    value >= 1 ? Measure.short(value) : "1∕\(Int((1 / value).rounded()))"
  }

  private var roofs: [Element] {
    var path = Path()
    let (low, high) = (xAxis.range.lowerBound, xAxis.range.upperBound)
    let ridge = bandwidth.map { peak / $0 } ?? low
    if let bandwidth {
      // The sloped line begins where it enters the picture.
      let start = max(low, yAxis.range.lowerBound / bandwidth)
      path.move(place(start, start * bandwidth))
      path.line(place(ridge, peak))
    } else {
      path.move(place(low, peak))
    }
    path.line(place(high, peak))
    return [Element.path(path, stroke: Stroke(.ink, 2)).with("stroke-linejoin", "round")]
  }

  /// The numbered list of layers, in columns beside the chart.
  private var list: [Element] {
    var elements: [Element] = []
    let rows = 24
    let width = 210.0
    for (index, point) in points.enumerated() {
      let x = frame.maxX + 28 + Double(index / rows) * (width + 16)
      let y = frame.y + 8 + Double(index % rows) * 17
      elements.append(
        .rectangle(
          Box(x, y - 6, 12, 12), fill: .tint(tone(point)),
          stroke: Stroke(.series(tone(point)), 1.4),
          radius: 2))
      elements.append(
        .text(
          "\(index + 1)  \(point.name)", Point(x + 19, y), size: 11, fitting: width - 19))
    }
    // The legend of colours.
    if families.count > 1 {
      var place = Point(0, frame.maxY + 64)
      for (index, family) in families.prefix(24).enumerated() {
        let words = TextMetrics.width(family, size: 11)
        if place.x > 0, place.x + words + 20 > frame.width {
          place = Point(0, place.y + 18)
        }
        let tone = index % Tone.seriesCount
        elements.append(
          .rectangle(
            Box(place.x, place.y - 6, 12, 12), fill: .tint(tone),
            stroke: Stroke(.series(tone), 1.4),
            radius: 2))
        elements.append(
          .text(family, Point(place.x + 18, place.y), size: 11, .muted, fitting: frame.width - 20))
        place.x += min(words, frame.width - 20) + 34
      }
    }
    return elements
  }
}
