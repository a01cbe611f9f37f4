package import ConvoyGraphs
package import ConvoyTensors

/// A network on its way to a plan: what the passes work on.
package struct Compilation {
  /// The network so far.
  package internal(set) var graph: Graph
  /// The parameters' numbers, if they do not change.
  private var parameters: [String: Tensor]?
  /// What makes it a training step, if it is to be one.
  package var step: StepRequest?
  /// How many images a run takes; as many as the network says if nil.
  package var batch: Int?
  /// The shapes of some inputs, in place of `batch`.
  package var inputShapes: [String: Shape]?
  /// The nodes of a step's forward halves.
  var forwardNodes: [Range<Int>] = []
  /// What there is of the plan.
  private var compiler: Compiler?
  var plan: Plan?
  /// How it is compiled, if it is.
  private let options: CompileOptions?
  private let observe: (@Sendable (PassRecord) -> Void)?

  /// A network that becomes a plan.
  ///
  /// - Parameter parameters: a tensor for each parameter, or nil where they live outside the plan.
  package init(
    _ graph: Graph, parameters: consuming [String: Tensor]?, options: CompileOptions
  ) {
    self.graph = graph
    self.parameters = parameters
    self.options = options
    observe = options.observePass
  }

  /// A network that stays one.
  package init(
    _ graph: Graph, parameters: consuming [String: Tensor]?,
    observe: (@Sendable (PassRecord) -> Void)? = nil
  ) {
    self.graph = graph
    self.parameters = parameters
    self.observe = observe
    options = nil
  }

  /// Applies the passes of some stages, in the list's order.
  ///
  /// - Throws: what a pass throws, and what verification finds after one.
  package mutating func apply(_ stages: Set<Pass.Stage>) throws(ConvoyError) {
    for pass in Passes.all where stages.contains(pass.stage) {
      // Comparing and describing take time that only an observer is worth.
      let before = observe == nil ? nil : graph
      let countBefore = nodeCount
      let decided = try pass.apply(&self)
      if pass.stage != .compile { try graph.verify() }
      guard let observe, let before else { continue }
      observe(
        PassRecord(
          pass: pass, nodesBefore: countBefore, nodesAfter: nodeCount,
          changes: graph.changes(since: before) + decided, graph: graph,
          text: compiler?.text(after: pass.name) ?? graph.text))
    }
  }

  /// The network so far, with its numbers.
  var model: Model { Model(unchecked: graph, parameters ?? [:]) }

  /// Applies the passes of some stages, the last of which makes a plan.
  package mutating func plan(through stages: Set<Pass.Stage>) throws(ConvoyError) -> Plan {
    try apply(stages)
    guard let plan else { preconditionFailure("Compiling makes a plan.") }
    return plan
  }

  /// The nodes that are computed one by one.
  private var nodeCount: Int { compiler?.scheduled.count ?? graph.nodes.count }

  mutating func changeModel(
    _ change: (Model) throws(ConvoyError) -> Model?
  ) throws(ConvoyError) {
    guard let changed = try change(model) else { return }
    graph = changed.graph
    if parameters != nil { parameters = changed.parameters }
  }

  /// Goes on with the plan; returns what was decided, if somebody wants to know.
  mutating func compile(
    _ change: (inout Compiler) throws(ConvoyError) -> Void
  ) throws(ConvoyError) -> [String] {
    if compiler == nil {
      guard let options else { preconditionFailure("Compiling takes options.") }
      // The compiler alone holds the parameters then, and lets each go once it is packed.
      compiler = try Compiler(graph, frozen: parameters.take(), options: options)
    }
    guard observe != nil else {
      try compiler.mutate(change)
      return []
    }
    let before = compiler?.decisions ?? []
    try compiler.mutate(change)
    return (compiler?.decisions ?? []).filter { !before.contains($0) }
  }
}

extension Optional where Wrapped == Compiler {
  /// Changes it in place, if it is there.
  fileprivate mutating func mutate(
    _ change: (inout Compiler) throws(ConvoyError) -> Void
  ) throws(ConvoyError) {
    guard var value = take() else { return }
    try change(&value)
    self = consume value
  }
}
