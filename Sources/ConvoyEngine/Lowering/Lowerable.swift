import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// The bridge between what an operator means and the kernels that compute it.
protocol Lowerable: Operator {
  /// The layouts in which the operator's kernels read its inputs and write its outputs.
  func layouts(at site: LoweringSite) -> NodeLayouts

  /// The order in which the operator would like the channels of its first input to stand, if it is not
  /// the identity and whoever makes that input can choose.
  func preferredOrder(at site: LoweringSite) -> ChannelOrder?

  /// What the operator's kernels can do to its output before they write it.
  var epilogue: EpilogueSupport { get }

  /// For inputs that are read beside another, that other: their channels had better stand alike.
  var companions: [Int: Int] { get }

  /// Adds the steps that compute the operator.
  func lower(_ site: LoweringSite, into program: inout Program)
}

extension Lowerable {
  /// Most operators do not mind, or want the identity.
  func preferredOrder(at site: LoweringSite) -> ChannelOrder? { nil }

  /// Most operators have no epilogue; others say so for the sake of speed.
  var epilogue: EpilogueSupport { .none }

  /// Most operators take what they are given.
  var companions: [Int: Int] { [:] }
}

/// What an operator's kernels can do to its output before they write it.
enum EpilogueSupport: Hashable, Sendable {
  /// Nothing.
  case none
  /// Apply a function of one number.
  case function
  /// Add another value of the output's shape, and apply a function of one number.
  case residualAndFunction
}

extension Graph.Node {
  /// The node's operator as the engine sees it: the one place where a graph's operator becomes one that
  /// can be lowered.
  ///
  /// - Throws: `ConvoyError` where the operator has no kernels.
  func lowerable() throws(ConvoyError) -> any Lowerable {
    guard let operation = operation as? any Lowerable else {
      throw ConvoyError(
        .graph, "\(name): the operator \(type(of: operation).name) has no kernels yet.")
    }
    return operation
  }
}

/// The layouts of a node's inputs and outputs.
struct NodeLayouts: Sendable {
  /// What is asked of an input.
  struct Request: Sendable {
    var kind: LayoutKind
    /// How far the kernels read beyond the image; they find zeros there.
    var halo = Halo.none
    /// In which order channels may stand in planes.
    var order = Order.identity

    /// What orders of channels an operator takes.
    enum Order: Hashable, Sendable {
      /// Only the identity.
      case identity
      /// Any, in any planes; a row-major value is brought into the preferred one.
      case any(preferred: ChannelOrder?)
      /// Only one.
      case exactly(ChannelOrder)

      /// The order in which a row-major value is brought into planes; the identity if nil.
      var chosen: ChannelOrder? {
        switch self {
        case .identity: nil
        case .any(let preferred): preferred
        case .exactly(let order): order
        }
      }
    }

    static let dense = Request(kind: .dense)
    static let planes = Request(kind: .planes)
    /// Row-major, perhaps with the channels last, with zeros around each channel's pixels.
    static func padded(halo: Halo) -> Request { Request(kind: .padded, halo: halo) }
    static func planes(halo: Halo, order: Order = .identity) -> Request {
      Request(kind: .planes, halo: halo, order: order)
    }
  }

  /// Whether an output lies where an input does.
  enum Sharing: Hashable, Sendable {
    /// In a place of its own.
    case none
    /// Where an input lies: the operator only gives its numbers another shape.
    case alias(input: Int)
    /// Where an input lies if that is a parameter which takes on this output at the end of the run.
    case update(input: Int)
  }

  var inputs: [Request]
  var outputs: [LayoutKind]
  /// In which order the channels of outputs in planes stand; the identity where it is nil or missing.
  var outputOrders: [ChannelOrder?] = []
  var sharing: [Sharing] = []
  /// Where the only output's channels stand in the inputs, if it is not computed.
  var view: ChannelView?
}

/// A node that is being lowered.
struct LoweringSite: Sendable {
  /// The node's name, for profiles.
  var name: String
  var inputShapes: [Shape]
  var outputShapes: [Shape]
  /// How the inputs' makers lay them out.
  var inputKinds: [LayoutKind] = []
  /// In which orders the channels of inputs in planes stand.
  var inputOrders: [ChannelOrder?] = []
  /// In which order the first output's readers would like its channels.
  var wantedOrder: ChannelOrder?
  /// In which order the channels of what is added to the output stand.
  var residualOrder: ChannelOrder?
  /// Which inputs are known when compiling.
  var isFrozen: [Bool]
  /// What the kernels are for.
  var settings: KernelSettings
  /// Through whom collective operators exchange numbers.
  var communicators: [RankAxis: any Communicator] = [:]
  /// What is applied to the output in place of a following node.
  var tail = Tail()
  /// What is added to the output before the tail, if anything: planes like the output's.
  var residual: BufferID?
  /// Where the inputs are, as requested. Empty while layouts are chosen.
  var inputs: [BufferID] = []
  /// Where the outputs go. Empty while layouts are chosen.
  var outputs: [BufferID] = []

  /// What the kernels are for.
  var machine: Machine { settings.machine }

  /// Whether inputs of an operator that takes either should come in planes or row-major: as the first is.
  var leadingKind: LayoutKind { inputKinds.first == .planes ? .planes : .dense }
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

extension LoweringSite {
  /// The order in which an operator that works plane by plane should take its first input, and make its
  /// output: as it stands, unless many lanes would be idle.
  var planewiseOrder: ChannelOrder? {
    guard let order = inputOrders.first ?? nil, order.isDense else { return nil }
    return order
  }
}

extension NodeLayouts.Request.Order {
  /// One order, the identity if nil.
  init(_ order: ChannelOrder?) { self = order.map { .exactly($0) } ?? .identity }
}

extension NodeLayouts {
  /// Everything row-major, in places of its own.
  static func allDense(at site: LoweringSite) -> NodeLayouts {
    NodeLayouts(
      inputs: site.inputShapes.map { _ in .dense }, outputs: site.outputShapes.map { _ in .dense })
  }
}
