/// Places boxes in rows so that every edge points downwards, with few crossings and straight lines.
///
/// Rows are those of the longest path. Edges that pass rows have a bend in each. Crossings are
/// reduced by barycentres. Positions are the least squares under the order of a row (pool adjacent
/// violators). Source: Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
/// system structures", 1981.
struct LayeredLayout {
  /// An item of a row: a box, or the bend of an edge that passes the row.
  struct Item {
    /// The box, or nil for a bend.
    var box: Int?
    var width: Double
    /// The horizontal centre.
    var x = 0.0
    var row: Int
    var above: [Int] = []
    var below: [Int] = []
  }

  private(set) var items: [Item] = []
  private(set) var rows: [[Int]] = []
  /// For each edge, the items from its start to its end.
  private(set) var routes: [[Int]] = []

  private let importance: [Double]

  private static let gap = 26.0
  private static let bendWidth = 10.0

  /// - Parameters:
  ///   - widths: of the boxes, in topological order.
  ///   - importance: from 0 to 1; edges to important boxes are kept straight.
  ///   - edges: from a box to a later one.
  init(widths: [Double], importance: [Double], edges: [(from: Int, to: Int)]) {
    self.importance = importance
    var rowOf = Array(repeating: 0, count: widths.count)
    for edge in edges.sorted(by: { $0.to < $1.to }) {
      rowOf[edge.to] = max(rowOf[edge.to], rowOf[edge.from] + 1)
    }
    pullDown(&rowOf, edges)
    items = widths.indices.map { Item(box: $0, width: widths[$0], row: rowOf[$0]) }
    for edge in edges { addRoute(edge.from, edge.to) }
    rows = Array(repeating: [], count: (rowOf.max() ?? -1) + 1)
    for index in items.indices { rows[items[index].row].append(index) }
    reduceCrossings()
    place()
  }

  /// Moves boxes without predecessors, such as second inputs, to the row above their first reader.
  private func pullDown(_ rowOf: inout [Int], _ edges: [(from: Int, to: Int)]) {
    for box in rowOf.indices.reversed() where !edges.contains(where: { $0.to == box }) {
      let readers = edges.filter { $0.from == box }.map { rowOf[$0.to] }
      if let first = readers.min() { rowOf[box] = max(rowOf[box], first - 1) }
    }
  }

  private mutating func addRoute(_ from: Int, _ to: Int) {
    var route = [from]
    for row in items[from].row + 1..<max(items[from].row + 1, items[to].row) {
      items.append(Item(box: nil, width: LayeredLayout.bendWidth, row: row))
      route.append(items.count - 1)
    }
    route.append(to)
    for (a, b) in zip(route, route.dropFirst()) {
      items[a].below.append(b)
      items[b].above.append(a)
    }
    routes.append(route)
  }

  // MARK: Order

  private mutating func reduceCrossings() {
    var best = rows
    var fewest = crossings()
    for sweep in 0..<12 where fewest > 0 {
      let isDown = sweep % 2 == 0
      let order =
        isDown ? Array(rows.indices.dropFirst()) : Array(rows.indices.dropLast().reversed())
      for row in order {
        let neighbours = isDown ? rows[row - 1] : rows[row + 1]
        var position: [Int: Double] = [:]
        for (index, item) in neighbours.enumerated() { position[item] = Double(index) }
        let keyed = rows[row].enumerated().map {
          index, item -> (item: Int, key: Double, index: Int) in
          let places = (isDown ? items[item].above : items[item].below).compactMap { position[$0] }
          // An item without neighbours keeps its position.
          let key = places.isEmpty ? Double(index) : places.reduce(0, +) / Double(places.count)
          return (item, key, index)
        }
        rows[row] = keyed.sorted { ($0.key, $0.index) < ($1.key, $1.index) }.map(\.item)
      }
      let count = crossings()
      if count < fewest { (best, fewest) = (rows, count) }
    }
    rows = best
  }

  private func crossings() -> Int {
    var count = 0
    for row in rows.indices.dropLast() {
      var position: [Int: Int] = [:]
      for (index, item) in rows[row + 1].enumerated() { position[item] = index }
      let ends = rows[row].flatMap { items[$0].below.compactMap { position[$0] }.sorted() }
      for i in ends.indices {
        for j in ends.indices where j > i && ends[j] < ends[i] { count += 1 }
      }
    }
    return count
  }

  // MARK: Places

  private mutating func place() {
    for row in rows {
      var x = 0.0
      for item in row {
        items[item].x = x + items[item].width / 2
        x += items[item].width + LayeredLayout.gap
      }
      for item in row { items[item].x -= (x - LayeredLayout.gap) / 2 }
    }
    for sweep in 0..<24 {
      let isDown = sweep % 2 == 0
      for row in isDown ? Array(rows.indices) : rows.indices.reversed() {
        settle(row, usesAbove: sweep > 19 || isDown, usesBelow: sweep > 19 || !isDown)
      }
    }
    straighten()
  }

  /// Straightens edges that pass the rows at the left or right side, where there is space.
  private mutating func straighten() {
    for route in routes where route.count > 3 {
      let bends = route.dropFirst().dropLast()
      let places = bends.map { items[$0].x }
      if bends.allSatisfy({ rows[items[$0].row].first == $0 }) {
        for bend in bends { items[bend].x = places.min() ?? 0 }
      } else if bends.allSatisfy({ rows[items[$0].row].last == $0 }) {
        for bend in bends { items[bend].x = places.max() ?? 0 }
      }
    }
  }

  /// Moves a row's items towards their neighbours, as far as the order and the widths allow.
  private mutating func settle(_ row: Int, usesAbove: Bool, usesBelow: Bool) {
    var blocks: [(sum: Double, weight: Double, count: Int)] = []
    var offsets: [Double] = []
    var offset = 0.0
    for (index, item) in rows[row].enumerated() {
      if index > 0 {
        let previous = items[rows[row][index - 1]]
        offset += (previous.width + items[item].width) / 2 + LayeredLayout.gap
      }
      offsets.append(offset)
      let (wish, weight) = self.wish(item, usesAbove: usesAbove, usesBelow: usesBelow)
      blocks.append(((wish - offset) * weight, weight, 1))
      while blocks.count > 1 {
        let (last, before) = (blocks[blocks.count - 1], blocks[blocks.count - 2])
        guard before.sum / before.weight > last.sum / last.weight else { break }
        blocks.removeLast(2)
        blocks.append(
          (before.sum + last.sum, before.weight + last.weight, before.count + last.count))
      }
    }
    var index = 0
    for block in blocks {
      for _ in 0..<block.count {
        items[rows[row][index]].x = block.sum / block.weight + offsets[index]
        index += 1
      }
    }
  }

  /// The preferred position of an item and its weight: straight chains have the largest.
  private func wish(_ item: Int, usesAbove: Bool, usesBelow: Bool) -> (Double, Double) {
    var (sum, weight) = (0.0, 0.0)
    let sides = [usesAbove ? items[item].above : [], usesBelow ? items[item].below : []]
    // With more than two neighbours, the middle between the outermost.
    for side in sides where side.count > 2 {
      let places = side.map { items[$0].x }
      sum += 8 * ((places.min() ?? 0) + (places.max() ?? 0)) / 2
      weight += 8
    }
    let neighbours = sides.filter { $0.count <= 2 }.joined()
    for other in neighbours {
      let strength: Double
      switch (items[item].box, items[other].box) {
      case (nil, nil): strength = 4
      case (let a?, let b?): strength = 2 + 8 * max(importance[a], importance[b])
      default: strength = 1
      }
      sum += strength * items[other].x
      weight += strength
    }
    return weight > 0 ? (sum / weight, weight) : (items[item].x, 0.1)
  }
}
