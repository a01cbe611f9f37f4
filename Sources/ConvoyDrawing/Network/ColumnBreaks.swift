/// Breaks rows into columns of nearly the same height.
enum ColumnBreaks {
  /// The rows at which columns begin, the first of which is 0. The tallest column is as short as
  /// possible; the number of columns is the smallest that comes within 30 % of that.
  ///
  /// - Parameters:
  ///   - heights: the heights of the rows.
  ///   - cuts: rows at which a column may begin, ascending, without 0.
  ///   - columns: the largest number of columns, at least 1.
  /// - Complexity: O(*k*·*n*²) for *k* columns and *n* cuts.
  static func starts(heights: [Double], cuts: [Int], columns: Int) -> [Int] {
    let places = [0] + cuts + [heights.count]
    var sums = [0.0]
    for height in heights { sums.append(sums[sums.count - 1] + height) }
    let last = places.count - 1
    /// For each position: the height of the tallest column before it, and where the last column
    /// begins.
    var best = places.map { (height: sums[$0] - sums[0], start: 0) }
    var rounds = [best]
    for _ in 1..<max(1, columns) {
      var next = best
      for end in 1..<places.count {
        for start in 1..<end {
          let height = max(best[start].height, sums[places[end]] - sums[places[start]])
          if height < next[end].height { next[end] = (height, start) }
        }
      }
      best = next
      rounds.append(best)
    }
    let lowest = best[last].height
    guard let count = rounds.firstIndex(where: { $0[last].height <= 1.3 * lowest }) else {
      return [0]
    }
    // Backtracking: the table says where each column begins.
    var (starts, end) = ([Int](), last)
    for round in rounds[...count].reversed() where end > 0 {
      end = round[end].start
      starts.append(places[end])
    }
    return starts.reversed()
  }
}
