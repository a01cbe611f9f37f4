/// A run of neighbouring output positions along an axis whose windows are alike: they have the same
/// number of elements in the image, and equal distances between neighbours.
struct WindowRun: Hashable, Sendable {
  /// The output positions.
  var positions: Range<Int>
  /// The window of the first.
  var span: PoolingProblem.Span
  /// The distance from the beginning of a window to the next one's.
  var step: Int

  /// The windows of an axis, divided into the longest possible runs: one of whole windows, and at
  /// either end those that extend into the padding.
  static func runs(of spans: [PoolingProblem.Span]) -> [WindowRun] {
    var runs: [WindowRun] = []
    for (position, span) in spans.enumerated() {
      if let last = runs.last, last.span.count == span.count, last.span.divisor == span.divisor {
        let previous = spans[position - 1].start
        if last.positions.count == 1 || span.start - previous == last.step {
          runs[runs.count - 1].positions = last.positions.lowerBound..<position + 1
          runs[runs.count - 1].step = span.start - previous
          continue
        }
      }
      runs.append(WindowRun(positions: position..<position + 1, span: span, step: 0))
    }
    return runs
  }

  /// For each output position of an axis, the index of its run.
  static func runOfPosition(_ runs: [WindowRun]) -> [Int] {
    runs.indices.flatMap { Array(repeating: $0, count: runs[$0].positions.count) }
  }
}
