import ConvoyGraphs
import ConvoyTensors

/// The boxes of a graph and the edges between them.
struct NetworkBoxes {
  private(set) var boxes: [NetworkBox] = []
  private(set) var edges: [(from: Int, to: Int)] = []
  /// The runs of equal blocks, of which only the first is kept.
  private(set) var repeats: [NetworkRepeat] = []
  /// The division of the network over ranks, if the graph is one rank's.
  let partition: Partition?

  /// The largest number of groups that are drawn as separate boxes.
  static let mostTowers = 4

  /// - Parameters:
  ///   - isExpanded: whether all of a run of equal blocks are kept.
  ///   - partition: the partition that the graph is one rank's part of.
  init(_ graph: Graph, isExpanded: Bool = true, partition: Partition? = nil) {
    self.partition = partition
    let divided = partition?.dividedNodes ?? []
    var boxOf: [ValueID: Int] = [:]
    var readers: [ValueID: Int] = [:]
    for node in graph.nodes { for input in Set(node.inputs) { readers[input, default: 0] += 1 } }
    for output in graph.outputs { readers[output.value, default: 0] += 1 }
    for input in graph.inputs {
      boxOf[input] = boxes.count
      boxes.append(
        NetworkBox(
          name: graph[input].name, work: "", role: nil,
          shape: Array(graph[input].shape.dimensions.dropFirst()), cost: Cost(),
          keepsChannels: true))
    }
    var concatenations: [(sources: [Int], box: Int)] = []
    let costs = graph.layerCosts()
    for (node, cost) in zip(graph.nodes, costs) {
      // Parameters and constants are part of the box that reads them.
      var sources: [Int] = []
      for input in node.inputs {
        if let box = boxOf[input], !sources.contains(box) { sources.append(box) }
      }
      guard let output = node.outputs.first, !sources.isEmpty else { continue }
      if sources.count == 1, let source = node.inputs.first(where: { boxOf[$0] != nil }),
        readers[source] == 1, boxes[sources[0]].role != nil, boxes[sources[0]].takesTail,
        let word = NetworkBoxes.tail(node, in: graph)
      {
        if !word.isEmpty { boxes[sources[0]].tail.append(word) }
        boxes[sources[0]].cost = boxes[sources[0]].cost + cost.cost
        // The shape of the map says more than the shape it is flattened to.
        if !word.isEmpty {
          boxes[sources[0]].shape = Array(graph[output].shape.dimensions.dropFirst())
        }
        for value in node.outputs { boxOf[value] = sources[0] }
        continue
      }
      if graph.joins(node) { shorten(&sources, with: &concatenations, boxes.count) }
      let index = boxes.count
      var box = NetworkBoxes.box(node, in: graph, cost.cost)
      if let partition, divided.contains(node.name) { box.ranks = partition.ranks }
      boxes.append(box)
      for source in sources { edges.append((source, index)) }
      for value in node.outputs { boxOf[value] = index }
    }
    for output in graph.outputs {
      guard let source = boxOf[output.value] else { continue }
      edges.append((source, boxes.count))
      boxes.append(
        NetworkBox(
          name: output.name, work: "", role: nil,
          shape: Array(graph[output.value].shape.dimensions.dropFirst()), cost: Cost(),
          keepsChannels: true))
    }
    if !isExpanded { collapse() }
    // The search looks at every edge, and is not needed if there are too many boxes to draw.
    if boxes.count <= Picture.mostNetworkBoxes { findTowers() }
  }

  /// Keeps the first of each run of blocks.
  private mutating func collapse() {
    let found = RepeatFinder(boxes, edges: edges).repeats
    /// The new index of each box; that of a later block is the index in the first block.
    var places: [Int] = []
    var (kept, isKept): ([NetworkBox], [Bool]) = ([], Array(repeating: true, count: boxes.count))
    var rest = found[...]
    while places.count < boxes.count {
      let index = places.count
      if let run = rest.first, run.boxes.lowerBound == index {
        let start = kept.count
        kept += boxes[run.boxes]
        repeats.append(NetworkRepeat(boxes: start..<kept.count, count: run.count))
        for _ in 0..<run.count { places += start..<kept.count }
        for later in index + run.boxes.count..<places.count { isKept[later] = false }
        rest.removeFirst()
      } else {
        places.append(kept.count)
        kept.append(boxes[index])
      }
    }
    // What reads the last block's result now reads the first's.
    edges = edges.filter { isKept[$0.to] }.map { (places[$0.from], places[$0.to]) }
    boxes = kept
  }

  /// Replaces the first inputs of a concatenation by an earlier concatenation of the same values,
  /// as in dense blocks: one edge instead of many.
  private func shorten(
    _ sources: inout [Int], with earlier: inout [(sources: [Int], box: Int)], _ box: Int
  ) {
    let whole = sources
    let longest = earlier.filter { $0.sources.count > 1 && whole.starts(with: $0.sources) }
      .max { $0.sources.count < $1.sources.count }
    if let longest, longest.sources.count < whole.count {
      sources = [longest.box] + whole.dropFirst(longest.sources.count)
    }
    earlier.append((whole, box))
  }

  /// The label of an operator that is folded into the box before it; nil if it has a box of its
  /// own.
  private static func tail(_ node: Graph.Node, in graph: Graph) -> String? {
    let glyph = node.operation.glyph
    switch node.operation.kind {
    // By parameters or constants only: other operands have boxes of their own.
    case .arithmetic(.multiply): return "scale"
    case .arithmetic(.add): return "shift"
    default: break
    }
    switch glyph.role {
    case .elementwise, .normalization: return glyph.abbreviation
    case .arrangement:
      let effect = graph.traits(of: node).effect
      return effect == .reshapes || effect == .nothing && !graph.joins(node) ? "" : nil
    default: return nil
    }
  }

  private static func box(_ node: Graph.Node, in graph: Graph, _ cost: Cost) -> NetworkBox {
    let (inputs, outputs) = graph.shapes(of: node)
    let glyph = node.operation.glyph
    let shape = Array(outputs[0].dimensions.dropFirst())
    var box = NetworkBox(
      name: node.name, work: glyph.word, role: glyph.role, shape: shape, cost: cost,
      keepsChannels: [.pooling, .normalization, .elementwise].contains(glyph.role))
    let channels = shape.first ?? 1
    switch node.operation.kind {
    case .layer(let layer):
      guard let groups = graph.traits(of: node).groups else {
        box.work = "\(glyph.label), \(channels)"
        break
      }
      let isDepthwise =
        layer.weightRows == .outputs && groups > 1 && groups == inputs[0][1]
      box.groups = isDepthwise ? 1 : groups
      box.keepsChannels = isDepthwise
      let label = String(glyph.label.prefix { $0 != "g" })
      box.work =
        isDepthwise ? "depthwise \(label)" : "conv \(glyph.label), \(channels)"
    case .exchange:
      // It is labelled by its operation: the value's name is on the box above.
      (box.name, box.role, box.takesTail) = (box.work, .exchange, false)
    default: box.takesTail = !graph.joins(node)
    }
    // A name that repeats the operator is left out.
    let last = node.name.split(separator: ".").last.map(String.init) ?? node.name
    let plain = last.filter { !$0.isNumber && $0 != "_" }
    if plain == type(of: node.operation).name { box.name = box.work }
    return box
  }

  /// Finds the boxes that are drawn side by side: grouped convolutions, and boxes between or before
  /// them that treat the groups separately.
  private mutating func findTowers() {
    for index in boxes.indices where (2...NetworkBoxes.mostTowers).contains(boxes[index].groups) {
      boxes[index].towers = boxes[index].groups
    }
    // Backwards: a box whose only reader has groups can be divided into them.
    for index in boxes.indices.reversed() where boxes[index].towers == 1 {
      let targets = edges.filter { $0.from == index }.map { boxes[$0.to] }
      let channels = boxes[index].shape.first ?? 1
      guard targets.count == 1, let target = targets.first, boxes[index].role != nil,
        boxes[index].role != .arrangement, boxes[index].role != .exchange,
        edges.count(where: { $0.to == index }) == 1
      else { continue }
      let wanted = target.groups > 1 || target.keepsChannels ? target.towers : 1
      if wanted > 1, channels % wanted == 0, boxes[index].groups == 1 {
        boxes[index].towers = wanted
      }
    }
    // Forwards: pooling keeps the groups of its input.
    for index in boxes.indices where boxes[index].towers == 1 && boxes[index].keepsChannels {
      let sources = edges.filter { $0.to == index }
      guard sources.count == 1, boxes[index].role != nil, boxes[index].shape.count == 3 else {
        continue
      }
      boxes[index].towers = boxes[sources[0].from].towers
    }
  }
}

extension Graph {
  /// Whether a node is a concatenation that only joins its inputs' channels.
  fileprivate func joins(_ node: Node) -> Bool {
    node.inputs.count > 1 && traits(of: node).effect == .moves
  }
}
