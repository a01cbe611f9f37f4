import Convoy

/// Where layers stand under the two roofs, memory and arithmetic: operations for each byte to the right,
/// per cent of peak upwards, a letter a layer.
///
/// Source: S. Williams, A. Waterman and D. Patterson, "Roofline: An Insightful Visual Performance Model",
/// 2009.
struct TextRoofline {
  private let measurements: [LayerMeasurement]
  private let peak: Double
  private let bandwidth: Double

  /// - Parameters:
  ///   - peak: GFLOP/s.
  ///   - bandwidth: GB/s.
  init(_ measurements: [LayerMeasurement], peak: Double, bandwidth: Double) {
    self.measurements = measurements
    self.peak = peak
    self.bandwidth = bandwidth
  }

  private static let columnsPerDoubling = 6
  private static let doublings = 10
  private static let width = columnsPerDoubling * doublings + 1
  private static let firstIntensity = 0.5
  /// From a column to the next: the sixth root of 2.
  private static let step = 1.122_462_048_309_373
  private static let letters = Array(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")

  /// Where memory takes as long as arithmetic, in operations a byte.
  private var ridge: Double { peak / bandwidth }

  /// The picture's lines.
  var lines: [String] {
    var rows = roof()
    for (index, row) in measurements.enumerated() {
      let (level, column) = (level(row.percentOfPeak), TextRoofline.column(row.intensity))
      let letter = TextRoofline.letters[index % TextRoofline.letters.count]
      let isFree = "·─ ".contains(rows[10 - level][column])
      rows[10 - level][column] = isFree ? letter : "*"
    }
    var lines = ["% of peak (\(peak.text(0)) GFLOP/s)"]
    for (index, row) in rows.enumerated() {
      let label = "\(100 - 10 * index)"
      lines.append(
        String(repeating: " ", count: 4 - label.count) + label + " │" + String(row))
    }
    var axis = Array(repeating: Character("─"), count: TextRoofline.width)
    axis[TextRoofline.column(ridge)] = "┴"
    lines.append("     └" + String(axis))
    let marks = (0..<TextRoofline.doublings).map { doubling in
      let text = doubling == 0 ? "½" : "\(1 << (doubling - 1))"
      return text
        + String(repeating: " ", count: TextRoofline.columnsPerDoubling - text.count)
    }
    lines.append("      " + marks.joined() + " operations a byte")
    return lines + caption
  }

  /// An empty picture with the two roofs.
  private func roof() -> [[Character]] {
    var rows = Array(
      repeating: Array(repeating: Character(" "), count: TextRoofline.width), count: 11)
    var intensity = TextRoofline.firstIntensity
    for column in 0..<TextRoofline.width {
      let isFlat = intensity >= ridge
      let allowed = level(isFlat ? 100 : 100 * intensity / ridge)
      rows[10 - allowed][column] = isFlat ? "─" : "·"
      intensity *= TextRoofline.step
    }
    return rows
  }

  private var caption: [String] {
    let names = measurements.enumerated().map {
      "\(TextRoofline.letters[$0 % TextRoofline.letters.count]) \($1.name)"
    }
    return [
      "* several; " + names.joined(separator: ", "),
      "",
      "No direct sum is above ─, and none above · unless its numbers stay in the second-level cache:",
      "· is what copying allows at \(bandwidth.text(1)) GB/s, measured in this run over blocks that"
        + " this cache cannot hold.",
      "Below \(ridge.text(1)) operations a byte (┴) memory is the limit, above it arithmetic.",
    ]
  }

  /// The line of a percentage, from 0 at the bottom to 10.
  private func level(_ percent: Double) -> Int { min(10, max(0, Int((percent / 10).rounded()))) }

  /// The column of an intensity: so many for each doubling, the outermost for all beyond.
  private static func column(_ intensity: Double) -> Int {
    var column = 0
    var edge = firstIntensity
    while edge * step < intensity, column < width - 1 {
      edge *= step
      column += 1
    }
    return column
  }
}
