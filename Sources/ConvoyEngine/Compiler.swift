import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// Turns a graph into a plan: the state that the compiling passes hand on (`Passes`).
struct Compiler {
  let graph: Graph
  /// The parameters' numbers, if they do not change; each goes once it is packed.
  var frozen: [String: Tensor]?
  let isFrozen: Bool
  let options: CompileOptions

  /// The nodes that are computed, some with others' functions in their epilogues.
  private(set) var scheduled: [ScheduledNode]
  /// How values are laid out; nil until that is chosen.
  private var chosen: LayoutPass?
  var program = Program()
  /// Where each value is, in each layout it is asked for in.
  var places: [Place: BufferID] = [:]
  /// Where outputs are at the end of a run.
  var results: [(name: String, value: BufferID)] = []
  var contents: [(buffer: BufferID, tensor: Tensor)] = []
  /// Bytes of the arena, once it is laid out.
  var arenaByteCount = 0
  /// The names of the steps' kernels, once they are made.
  var kernels: [String]?

  struct Place: Hashable {
    var value: ValueID
    var kind: LayoutKind
    /// The order of channels in planes; nil for that which the value was made in.
    var order: ChannelOrder?
  }

  /// - Throws: `ConvoyError` where an operator has no kernels, or the graph cannot be run here.
  init(
    _ graph: Graph, frozen: consuming [String: Tensor]?, options: CompileOptions
  ) throws(ConvoyError) {
    let isFrozen = frozen != nil
    self.graph = graph
    self.frozen = consume frozen
    self.isFrozen = isFrozen
    self.options = options
    try graph.verify()
    try Compiler.requireMemory(for: graph)
    try Compiler.requireCommunicators(for: graph, options.communicators)
    scheduled = try graph.nodes.map { node throws(ConvoyError) in try ScheduledNode(node) }
  }

  /// Puts functions and residual sums into the epilogues of the layers before them.
  mutating func fuseEpilogues() {
    if options.fusesEpilogues { scheduled = fusingEpilogues(scheduled, in: graph) }
  }

  /// Chooses how every value is laid out.
  mutating func chooseLayouts() {
    chosen = LayoutPass(graph, scheduled) { [graph, isFrozen, options] in
      Compiler.facts(of: $0, graph, isFrozen: isFrozen, options)
    }
  }

  /// How values are laid out; nil until that is chosen.
  var layoutsIfChosen: LayoutPass? { chosen }

  /// How values are laid out.
  var layouts: LayoutPass {
    guard let chosen else { preconditionFailure("Layouts are chosen before they are asked for.") }
    return chosen
  }

  /// Makes the program: buffers and steps.
  ///
  /// - Throws: `ConvoyError` where a step reads what nothing has written.
  mutating func lower() throws(ConvoyError) {
    placeGivenValues()
    let given = graph.inputs.compactMap { places[Place(value: $0, kind: .dense)] }
    for index in scheduled.indices { lower(index) }
    results = graph.outputs.map { (name: $0.name, value: finalPlace($0.value)) }
    finishUpdates()
    try program.verify(given: given)
  }

  /// Refuses a graph whose operators exchange numbers with ranks that are not there.
  private static func requireCommunicators(
    for graph: Graph, _ communicators: [RankAxis: any Communicator]
  ) throws(ConvoyError) {
    for node in graph.nodes {
      guard case .exchange(let operation) = node.operation.kind else { continue }
      let count = communicators[operation.axis]?.count
      guard count == operation.ranks else {
        throw ConvoyError(
          .argument,
          "\(node.name) exchanges numbers among \(operation.ranks) ranks along the axis "
            + "\(operation.axis.rawValue); "
            + (count.map { "there are \($0)." } ?? "no communicator was given for it."))
      }
    }
  }

  /// Refuses a graph that cannot fit, before work in proportion to its sizes is begun.
  private static func requireMemory(for graph: Graph) throws(ConvoyError) {
    for info in graph.values where info.tensorType.byteCount > MemoryBlock.physicalBytes / 4 {
      throw ConvoyError(
        .resource,
        "\(info.name) has \(info.shape.elementCount) elements, more than fit in a quarter of this "
          + "machine's \(MemoryBlock.physicalBytes >> 20) MiB of memory.")
    }
  }

  /// What is known of a node before anything is chosen.
  private static func facts(
    of node: ScheduledNode, _ graph: Graph, isFrozen: Bool, _ options: CompileOptions
  ) -> NodeFacts {
    NodeFacts(
      name: node.node.name, inputShapes: node.node.inputs.map { graph[$0].shape },
      outputShapes: node.outputs.map { graph[$0].shape },
      inputTypes: node.node.inputs.map { graph[$0].type },
      outputTypes: node.outputs.map { graph[$0].type },
      isFrozen: node.node.inputs.map {
        switch graph[$0].origin {
        case .parameter: isFrozen
        case .constant: true
        case .input, .computed: false
        }
      },
      settings: KernelSettings(
        machine: options.machine, allowsWinograd: options.usesWinograd, weightsChange: !isFrozen),
      communicators: options.communicators, epilogue: node.function)
  }
}
