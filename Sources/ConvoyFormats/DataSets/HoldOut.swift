import ConvoyTensors

/// Setting examples aside for the examination.
enum HoldOut {
  /// Draws a fifth of every class, rounded, but one where there are at least two.
  ///
  /// Files often run through the classes in order or repeat in a rhythm, so the choice is drawn for
  /// each class from its own seeded stream. It depends on nothing but the labels and the seed.
  ///
  /// - Returns: the indices of both parts, each in ascending order.
  static func fifth(
    of labels: [Int], classCount: Int, seed: UInt64
  ) -> (training: [Int], test: [Int]) {
    var members = Array(repeating: [Int](), count: classCount)
    for (index, label) in labels.enumerated() { members[label].append(index) }
    var test: Set<Int> = []
    for (label, indices) in members.enumerated() where indices.count >= 2 {
      var random = Random(seed: seed, stream: UInt64(label))
      var rest = indices
      for _ in 0..<max(1, (indices.count + 2) / 5) {
        rest.swapAt(random.below(rest.count), rest.count - 1)
        test.insert(rest.removeLast())
      }
    }
    let isTest = labels.indices.map(test.contains)
    return (labels.indices.filter { !isTest[$0] }, labels.indices.filter { isTest[$0] })
  }
}
