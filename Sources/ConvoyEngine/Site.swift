import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// What is known of a node before anything is chosen for it.
struct NodeFacts: Sendable {
  /// The node's name, for profiles.
  var name: String
  var inputShapes: [Shape]
  var outputShapes: [Shape]
  var inputTypes: [ElementType]
  var outputTypes: [ElementType]
  /// Which inputs are known when compiling.
  var isFrozen: [Bool]
  /// What the kernels are for.
  var settings: KernelSettings
  /// Through whom collective operators exchange numbers.
  var communicators: [RankAxis: any Communicator]
  /// The function that is applied to the output in place of a following node.
  var epilogue: Tail

  /// What the kernels are for.
  var machine: Machine { settings.machine }
}

/// A place from which a node's facts can be seen.
protocol NodeSite: Sendable {
  var node: NodeFacts { get }
}

extension NodeSite {
  /// See `NodeFacts`.
  var name: String { node.name }
  /// See `NodeFacts`.
  var inputShapes: [Shape] { node.inputShapes }
  /// See `NodeFacts`.
  var outputShapes: [Shape] { node.outputShapes }
  /// See `NodeFacts`.
  var inputTypes: [ElementType] { node.inputTypes }
  /// See `NodeFacts`.
  var outputTypes: [ElementType] { node.outputTypes }
  /// See `NodeFacts`.
  var isFrozen: [Bool] { node.isFrozen }
  /// See `NodeFacts`.
  var settings: KernelSettings { node.settings }
  /// See `NodeFacts`.
  var machine: Machine { node.machine }
  /// See `NodeFacts`.
  var communicators: [RankAxis: any Communicator] { node.communicators }
  /// See `NodeFacts`.
  var epilogue: Tail { node.epilogue }
}

/// A node whose layouts are being chosen: how its inputs are laid out is settled.
struct LayoutSite: NodeSite {
  var node: NodeFacts
  /// How the inputs' makers lay them out.
  var inputKinds: [LayoutKind]
  /// In which orders the channels of inputs in planes stand.
  var inputOrders: [ChannelOrder?]
  /// In which order the first output's readers prefer its channels.
  var preferredOrder: ChannelOrder?
  /// In which order the channels of what is added to the output stand.
  var residualOrder: ChannelOrder?

  /// Whether inputs of an operator that takes either should come in planes or row-major: as the first is.
  var leadingKind: LayoutKind { inputKinds.first == .planes ? .planes : .dense }

  /// The order in which an operator that works plane by plane should take its first input, and make its
  /// output: as it stands, unless many lanes would be idle.
  var planewiseOrder: ChannelOrder? {
    guard let order = inputOrders.first ?? nil, order.isDense else { return nil }
    return order
  }
}

/// A node that is being lowered: every layout is chosen, and its inputs and outputs have buffers.
struct LoweringSite: NodeSite {
  let node: NodeFacts
  /// Where the inputs are, as requested.
  let inputs: [BufferID]
  /// Where the outputs go.
  let outputs: [BufferID]
  /// What is added to the output before the function, if anything: planes like the output's.
  let residual: BufferID?
}

extension Program {
  /// Adds a step of a node.
  ///
  /// - Parameter decision: what a catalog decided for it, where there was a choice.
  mutating func step(
    _ site: LoweringSite, reads: [BufferID]? = nil, writes: [BufferID]? = nil,
    decision: Decision? = nil, _ make: @escaping @Sendable (Placement) -> any Kernel
  ) {
    steps.append(
      StepDraft(
        name: site.name, reads: reads ?? site.inputs, writes: writes ?? site.outputs,
        decision: decision, make: make))
  }

  /// Adds a step of a node that a catalog decided.
  mutating func step<Operands>(
    _ site: LoweringSite, _ plan: KernelPlan<Operands>, reads: [BufferID]? = nil,
    writes: [BufferID]? = nil, at place: @escaping @Sendable (Placement) -> Operands
  ) {
    step(site, reads: reads, writes: writes, decision: plan.decision) {
      plan.kernel(at: place($0))
    }
  }

  /// Numbers made from a node's inputs, such as packed weights: once, when compiling, if those inputs are
  /// known then, else in a step of their own at each run.
  mutating func derived(
    _ site: LoweringSite, from inputs: [Int], count: Int,
    _ make: @escaping @Sendable (Placement, Region) -> any Kernel
  ) -> BufferID {
    let isFrozen = inputs.allSatisfy { site.isFrozen[$0] }
    let buffer = isFrozen ? constant(count: count) : arena(count: count)
    let draft = StepDraft(
      name: site.name, reads: inputs.map { site.inputs[$0] }, writes: [buffer],
      make: { make($0, $0.region(buffer)) })
    if isFrozen { preparations.append(draft) } else { steps.append(draft) }
    return buffer
  }
}
