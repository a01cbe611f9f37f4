import ConvoyGraphs

/// The marks that show which ranks compute a box.
extension NetworkDrawing {
  /// The largest number of slices of a mark.
  private static let mostSlices = 32

  /// The height that the mark of ranks adds to a box.
  static func markHeight(_ box: NetworkBox) -> Double { box.ranks > 1 ? 8 : 0 }

  /// A slice for each rank along the upper edge; that of the rank whose graph is drawn is filled.
  func slices(_ ranks: Int, _ frame: Box, _ tone: Int) -> [Element] {
    let count = min(ranks, NetworkDrawing.mostSlices)
    let step = (frame.width - 12) / Double(count)
    let gap = min(3, 0.25 * step)
    func slice(_ index: Int) -> Box {
      Box(frame.x + 6 + Double(index) * step + gap / 2, frame.y + 4, step - gap, 5)
    }
    var others = Path()
    for index in 1..<count { others.rectangle(slice(index)) }
    var own = Path()
    own.rectangle(slice(0))
    return [
      .path(others, fill: .paper, stroke: Stroke(.series(tone), 0.8)),
      .path(own, fill: .series(tone), stroke: Stroke(.series(tone), 0.8)),
    ]
  }

  /// The lines below the legend that explain the marks.
  static func notes(_ partition: Partition) -> [String] {
    let ranks = partition.ranks
    return [
      "Slices along the upper edge: each of \(ranks) ranks computes a part, of which one is drawn.",
      "What has no slices is computed alike by every rank.",
      "“Gather” sends numbers forward; “to ranks” and “take own part” only send gradients back.",
    ]
  }
}
