import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// The state of compiling a graph to a plan, which the compiling passes work on (see `Passes`).
struct Compiler {
  let graph: Graph
  /// The parameters' tensors, if they are constant; each is released once it is packed.
  var frozen: [String: Tensor]?
  let isFrozen: Bool
  let options: CompileOptions

  /// The nodes that are computed, some with other nodes' functions in their epilogues.
  private(set) var scheduled: [ScheduledNode]
  /// The layouts of values; nil until they are chosen.
  private var chosen: LayoutPass?
  var program = Program()
  /// The buffer of each value, for each layout in which it is requested.
  var places: [Place: BufferID] = [:]
  /// The buffers of the outputs at the end of a run.
  var results: [(name: String, value: BufferID)] = []
  var contents: [(buffer: BufferID, tensor: Tensor)] = []
  /// Bytes of the arena, once it is planned.
  var arenaByteCount = 0
  /// The names of the steps' kernels, once they are made.
  var kernels: [String]?

  struct Place: Hashable {
    var value: ValueID
    var kind: LayoutKind
    /// The order of channels in planes; nil for the order in which the value was first computed.
    var order: ChannelOrder?
  }

  /// - Throws: `ConvoyError` where an operator has no kernels, or the graph cannot be run on this
  ///   machine.
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

  /// Moves functions and residual sums into the epilogues of the layers before them.
  mutating func fuseEpilogues() {
    if options.fusesEpilogues { scheduled = fusingEpilogues(scheduled, in: graph) }
  }

  /// Chooses the layouts of all values.
  mutating func chooseLayouts() {
    chosen = LayoutPass(graph, scheduled) { [graph, isFrozen, options] in
      Compiler.facts(of: $0, graph, isFrozen: isFrozen, options)
    }
  }

  /// The layouts of values; nil until they are chosen.
  var layoutsIfChosen: LayoutPass? { chosen }

  /// The layouts of values.
  var layouts: LayoutPass {
    guard let chosen else { preconditionFailure("Layouts are chosen before they are asked for.") }
    return chosen
  }

  /// Makes the program: buffers and steps.
  ///
  /// - Throws: `ConvoyError` where a step reads a buffer that no step has written.
  mutating func lower() throws(ConvoyError) {
    placeGivenValues()
    let given = graph.inputs.compactMap { places[Place(value: $0, kind: .dense)] }
    for index in scheduled.indices { lower(index) }
    results = graph.outputs.map { (name: $0.name, value: finalPlace($0.value)) }
    finishUpdates()
    try program.verify(given: given)
  }

  /// Refuses a graph whose collective operators have no communicator of the right number of ranks.
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

  /// Refuses a graph that does not fit the machine's memory, before any work proportional to its
  /// size.
  private static func requireMemory(for graph: Graph) throws(ConvoyError) {
    for info in graph.values where info.tensorType.byteCount > AvailableMemory.physicalBytes / 4 {
      throw ConvoyError(
        .resource,
        "\(info.name) has \(info.shape.elementCount) elements, more than fit in a quarter of this "
          + "machine's \(AvailableMemory.physicalBytes >> 20) MiB of memory.")
    }
  }

  /// The facts of a node, which do not depend on layouts.
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
