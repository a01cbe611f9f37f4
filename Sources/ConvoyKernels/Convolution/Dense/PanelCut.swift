/// How planes are divided into panels, which are computed together.
struct PanelCut {
  /// The planes of a panel, and the index of its size among the choices.
  typealias Panel = (planes: Range<Int>, choice: Int)

  /// The panels, in the order of their planes.
  let panels: [Panel]
  /// The cost of all panels.
  let cost: Double

  /// The division of the lowest cost, by dynamic programming: the best division of each number of
  /// planes is some last panel after the best division of the planes before it.
  ///
  /// - Parameter choices: the sizes that panels may have, one of them 1, and the cost of a panel of
  ///   each.
  init(_ planes: Range<Int>, _ choices: [(planes: Int, cost: Double)]) {
    var cheapest: [(cost: Double, last: Int)] = [(0, 0)]
    for count in 1...max(1, planes.count) {
      let divisions = choices.indices.filter { choices[$0].planes <= count }.map {
        (cost: cheapest[count - choices[$0].planes].cost + choices[$0].cost, last: $0)
      }
      cheapest.append(divisions.min { $0.cost < $1.cost } ?? (.infinity, 0))
    }
    var panels: [Panel] = []
    var end = planes.upperBound
    while end > planes.lowerBound {
      let choice = cheapest[end - planes.lowerBound].last
      panels.append((end - choices[choice].planes..<end, choice))
      end -= choices[choice].planes
    }
    self.panels = panels.reversed()
    cost = cheapest[planes.count].cost
  }
}
