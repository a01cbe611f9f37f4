/// How planes are cut into panels, which are computed together.
struct PanelCut {
  /// A panel's planes, and its size's place among the choices.
  typealias Panel = (planes: Range<Int>, choice: Int)

  /// The panels, in the order of their planes.
  let panels: [Panel]
  /// What all of them cost.
  let cost: Double

  /// The cut that costs least, by dynamic programming: the cheapest way to make up each number of planes ends
  /// with some panel, before which stands the cheapest way to make up the others.
  ///
  /// - Parameter choices: the sizes that panels may have, one of them 1, and what a panel of each costs.
  init(_ planes: Range<Int>, _ choices: [(planes: Int, cost: Double)]) {
    var cheapest: [(cost: Double, last: Int)] = [(0, 0)]
    for count in 1...max(1, planes.count) {
      let ways = choices.indices.filter { choices[$0].planes <= count }.map {
        (cost: cheapest[count - choices[$0].planes].cost + choices[$0].cost, last: $0)
      }
      cheapest.append(ways.min { $0.cost < $1.cost } ?? (.infinity, 0))
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
