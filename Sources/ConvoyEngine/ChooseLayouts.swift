import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// The pass that settles how every value lies in memory: row-major or in planes, in which order its
/// channels stand, and how many zeros lie around its images.
///
/// Makers come before readers, so an operator sees how its inputs stand and says how its outputs will.
/// Only wishes travel the other way: a narrow grouped convolution tells the convolution before it in which
/// order it would like its channels.
struct LayoutPass {
  private let graph: Graph
  private let nodes: [ScheduledNode]
  private let site: (ScheduledNode) -> LoweringSite

  /// For each node what it asks of its inputs, and what it makes.
  private(set) var choices: [NodeLayouts] = []
  /// How each value is first laid out; nil for those not made yet.
  private(set) var kinds: [LayoutKind?]
  /// In which order the channels of a value stand in the planes in which it is first.
  private(set) var orders: [ValueID: ChannelOrder] = [:]
  private var classes: GeometryClasses
  private var halos: [ValueID: Halo] = [:]
  private var wishes: [ValueID: ChannelOrder] = [:]
  /// Values that will be read beside others, which are made before them.
  private var companions: [ValueID: ValueID] = [:]

  /// - Parameter site: what a node is told, but for layouts.
  init(
    _ graph: Graph, _ nodes: [ScheduledNode], site: @escaping (ScheduledNode) -> LoweringSite
  ) {
    self.graph = graph
    self.nodes = nodes
    self.site = site
    kinds = graph.values.map { $0.origin == .computed ? nil : .dense }
    classes = GeometryClasses(count: graph.values.count)
    for node in nodes {
      if let wish = node.operation.preferredOrder(at: site(node)),
        let image = node.node.inputs.first
      {
        wishes[image] = wishes[image] ?? wish
      }
      for (input, other) in node.operation.companions {
        companions[node.node.inputs[input]] = node.node.inputs[other]
      }
    }
    for node in nodes { settle(node) }
    shareHalos()
  }

  /// A node's site with what is known of layouts by now.
  func completed(_ node: ScheduledNode) -> LoweringSite {
    var result = site(node)
    result.inputKinds = node.node.inputs.map { kinds[$0.index] ?? .dense }
    result.inputOrders = node.node.inputs.map { orders[$0] }
    let output = node.outputs[0]
    result.wantedOrder = wishes[output] ?? companions[output].flatMap { orders[$0] }
    result.residualOrder = node.residual.map {
      orders[$0] ?? ChannelOrder(identity: graph[$0].shape[1])
    }
    return result
  }

  private mutating func settle(_ node: ScheduledNode) {
    let choice = node.operation.layouts(at: completed(node))
    for (input, request) in zip(node.node.inputs, choice.inputs) where request.kind != .dense {
      ask(request, of: input)
    }
    for (index, output) in node.outputs.enumerated() {
      kinds[output.index] = choice.outputs[index]
      guard choice.outputs[index] == .planes else { continue }
      if let view = choice.view {
        orders[output] = view.order(of: node.node.inputs.map { self.order($0) })
        for input in node.node.inputs { classes.join(input, output) }
      } else {
        let own = index < choice.outputOrders.count ? choice.outputOrders[index] : nil
        orders[output] = own ?? ChannelOrder(identity: graph[output].shape[1])
      }
      if index < choice.sharing.count, case .alias(let input) = choice.sharing[index] {
        classes.join(node.node.inputs[input], output)
      }
    }
    if let residual = node.residual {
      ask(.planes, of: residual)
      classes.join(residual, node.outputs[0])
    }
    choices.append(choice)
  }

  private func order(_ value: ValueID) -> ChannelOrder {
    orders[value] ?? ChannelOrder(identity: graph[value].shape[1])
  }

  private mutating func ask(_ request: NodeLayouts.Request, of value: ValueID) {
    halos[value] = (halos[value] ?? .none).union(request.halo)
    guard request.kind == .planes, orders[value] == nil else { return }
    // A row-major value is brought into planes as its first reader likes them.
    orders[value] = request.order.chosen ?? ChannelOrder(identity: graph[value].shape[1])
  }

  /// Views, aliases and residuals have the geometry of what they lie in or beside.
  private mutating func shareHalos() {
    var shared: [Int: Halo] = [:]
    for (value, halo) in halos {
      shared[classes.root(value), default: .none] = (shared[classes.root(value)] ?? .none).union(
        halo)
    }
    for id in graph.valueIDs { halos[id] = shared[classes.root(id)] }
  }

  /// The zeros around a value's images.
  func halo(_ value: ValueID) -> Halo { halos[value] ?? .none }
}

/// Sets of values whose planes must have one geometry.
private struct GeometryClasses {
  private var parents: [Int]

  init(count: Int) { parents = Array(0..<count) }

  func root(_ value: ValueID) -> Int {
    var index = value.index
    while parents[index] != index { index = parents[index] }
    return index
  }

  mutating func join(_ a: ValueID, _ b: ValueID) { parents[root(a)] = root(b) }
}

/// An output that is not computed: its channels are some of the inputs' channels, where they stand.
struct ChannelView: Sendable {
  /// For each channel of the output, the input and its channel.
  var channels: [ChannelGather.Channel]

  /// The planes of the inputs that hold the channels, in the order in which they are first met.
  func planes(of orders: [ChannelOrder]) -> [(source: Int, plane: Int)] {
    var seen: Set<[Int]> = []
    return channels.compactMap { channel in
      let plane = orders[channel.source].positions[channel.channel].plane
      return seen.insert([channel.source, plane]).inserted ? (channel.source, plane) : nil
    }
  }

  /// Where the channels stand among those planes.
  func order(of orders: [ChannelOrder]) -> ChannelOrder {
    let planes = planes(of: orders)
    var numbers: [[Int]: Int] = [:]
    for (index, plane) in planes.enumerated() { numbers[[plane.source, plane.plane]] = index }
    return ChannelOrder(
      planeCount: planes.count,
      positions: channels.map { channel in
        let position = orders[channel.source].positions[channel.channel]
        return PlaneLayout.Position(
          plane: numbers[[channel.source, position.plane]] ?? 0, lane: position.lane)
      })
  }
}
