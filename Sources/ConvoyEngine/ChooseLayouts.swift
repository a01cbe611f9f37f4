import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// The pass that chooses the layout of every value: row-major or in planes, the order of its
/// channels, and the halo of zeros around its images.
///
/// Nodes are visited in order: an operator sees the layouts of its inputs, and chooses those of its
/// outputs. Only preferred orders are passed backwards: a narrowly grouped convolution states the
/// order in which it prefers its channels, and the convolution before it may use it.
/// which order it prefers its channels.
struct LayoutPass: Sendable {
  private let graph: Graph
  private let nodes: [ScheduledNode]
  /// The facts of a node, without layouts.
  let facts: @Sendable (ScheduledNode) -> NodeFacts

  /// For each node, the layouts it requests of its inputs and those of its outputs.
  private(set) var choices: [NodeLayouts] = []
  /// The layout in which each value is first computed; nil for values not visited yet.
  private(set) var kinds: [LayoutKind?]
  /// The order of a value's channels in the planes in which it is first computed.
  private(set) var orders: [ValueID: ChannelOrder] = [:]
  private var classes: GeometryClasses
  private var halos: [ValueID: Halo] = [:]
  /// The order of channels that a value's readers prefer.
  private(set) var preferredOrders: [ValueID: ChannelOrder] = [:]
  /// Values that are read together with other values, which are computed earlier.
  private var companions: [ValueID: ValueID] = [:]

  /// - Parameter facts: the facts of a node.
  init(
    _ graph: Graph, _ nodes: [ScheduledNode],
    facts: @escaping @Sendable (ScheduledNode) -> NodeFacts
  ) {
    self.graph = graph
    self.nodes = nodes
    self.facts = facts
    kinds = graph.values.map { $0.origin == .computed ? nil : .dense }
    classes = GeometryClasses(count: graph.values.count)
    for node in nodes {
      if let order = node.operation.preferredOrder(at: facts(node)),
        let image = node.node.inputs.first
      {
        preferredOrders[image] = preferredOrders[image] ?? order
      }
      for (input, other) in node.operation.companions {
        companions[node.node.inputs[input]] = node.node.inputs[other]
      }
    }
    for node in nodes { settle(node) }
    shareHalos()
  }

  /// A node and the layouts of its inputs that are chosen so far.
  private func site(_ node: ScheduledNode) -> LayoutSite {
    let output = node.outputs[0]
    return LayoutSite(
      node: facts(node), inputKinds: node.node.inputs.map { kinds[$0.index] ?? .dense },
      inputOrders: node.node.inputs.map { orders[$0] },
      preferredOrder: preferredOrders[output] ?? companions[output].flatMap { orders[$0] },
      residualOrder: node.residual.map {
        orders[$0] ?? ChannelOrder(identity: graph[$0].shape[1])
      })
  }

  private mutating func settle(_ node: ScheduledNode) {
    let choice = node.operation.layouts(at: site(node))
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
    // A row-major value is copied to planes in the order that its first reader prefers.
    orders[value] = request.order.chosen ?? ChannelOrder(identity: graph[value].shape[1])
  }

  /// Views, aliases and residuals have the geometry of the value that they share or are combined
  /// with.
  private mutating func shareHalos() {
    var shared: [Int: Halo] = [:]
    for (value, halo) in halos {
      shared[classes.root(value), default: .none] = (shared[classes.root(value)] ?? .none).union(
        halo)
    }
    for id in graph.valueIDs { halos[id] = shared[classes.root(id)] }
  }

  /// The halo of zeros around a value's images.
  func halo(_ value: ValueID) -> Halo { halos[value] ?? .none }
}

/// Sets of values whose planes must have the same geometry.
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
