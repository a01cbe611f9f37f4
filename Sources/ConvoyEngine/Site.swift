import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// The facts of a node that do not depend on decisions of the compiler.
struct NodeFacts: Sendable {
  /// The node's name, for profiles.
  var name: String
  var inputShapes: [Shape]
  var outputShapes: [Shape]
  var inputTypes: [ElementType]
  var outputTypes: [ElementType]
  /// Which inputs are known when compiling.
  var isFrozen: [Bool]
  /// The settings of the node's kernels.
  var settings: KernelSettings
  /// The communicators of collective operators.
  var communicators: [RankAxis: any Communicator]
  /// The epilogue: the function that is applied to the output in place of a following node.
  var epilogue: ScalarFunction?

  /// The machine of the node's kernels.
  var machine: Machine { settings.machine }
}

/// A view of a node that includes the node's facts.
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
  var epilogue: ScalarFunction? { node.epilogue }
}

/// A node whose layouts are being chosen, with the layouts of its inputs, which are chosen already.
struct LayoutSite: NodeSite {
  var node: NodeFacts
  /// The kinds of layout of the inputs.
  var inputKinds: [LayoutKind]
  /// The orders of channels of the inputs in planes.
  var inputOrders: [ChannelOrder?]
  /// The order of channels that the readers of the first output prefer.
  var preferredOrder: ChannelOrder?
  /// The order of channels of the residual that is added to the output.
  var residualOrder: ChannelOrder?

  /// The kind of layout for all inputs of an operator that accepts both: that of the first input.
  var leadingKind: LayoutKind { inputKinds.first == .planes ? .planes : .dense }

  /// The order for the first input and the output of an operator that works plane by plane: the
  /// input's own, unless many lanes would be idle.
  var planewiseOrder: ChannelOrder? {
    guard let order = inputOrders.first ?? nil, order.isDense else { return nil }
    return order
  }
}

/// A node that is being lowered: every layout is chosen, and its inputs and outputs have buffers.
struct LoweringSite: NodeSite {
  let node: NodeFacts
  /// The buffers of the inputs, in the requested layouts.
  let inputs: [BufferID]
  /// The buffers of the outputs.
  let outputs: [BufferID]
  /// The residual that is added to the output before the function, if any: planes like the
  /// output's.
  let residual: BufferID?
}

extension Program {
  /// Adds a step of a node.
  ///
  /// - Parameter decision: the decision of a catalog, where there was a choice.
  mutating func step(
    _ site: LoweringSite, reads: [BufferID]? = nil, writes: [BufferID]? = nil,
    decision: Decision? = nil, _ make: @escaping @Sendable (Placement) -> any Kernel
  ) {
    steps.append(
      StepDraft(
        name: site.name, reads: reads ?? site.inputs, writes: writes ?? site.outputs,
        decision: decision, make: make))
  }

  /// Adds a step of a node with a plan that a catalog decided.
  mutating func step<Operands>(
    _ site: LoweringSite, _ plan: KernelPlan<Operands>, reads: [BufferID]? = nil,
    writes: [BufferID]? = nil, at place: @escaping @Sendable (Placement) -> Operands
  ) {
    step(site, reads: reads, writes: writes, decision: plan.decision) {
      plan.kernel(at: place($0))
    }
  }

  /// A buffer for numbers that are derived from a node's inputs, such as packed weights. They are
  /// computed once, when compiling, if those inputs are known then; otherwise by a step of each
  /// run.
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
