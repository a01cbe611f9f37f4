package import ConvoyGraphs
package import ConvoyTensors

/// A network on its way to a plan: what the passes work on.
package struct Compilation {
  /// The network so far.
  package internal(set) var graph: Graph { didSet { isVerified = false } }
  /// Whether the network is known to be well formed.
  private var isVerified = false
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
  let observe: (@Sendable (PassRecord) -> Void)?

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

  /// The network so far, with its numbers.
  var model: Model { Model(unchecked: graph, parameters ?? [:]) }

  /// The nodes that are computed one by one.
  var nodeCount: Int { compiler?.scheduled.count ?? graph.nodes.count }

  mutating func changeModel(
    _ change: (Model) throws(ConvoyError) -> Model?
  ) throws(ConvoyError) {
    guard let changed = try change(model) else { return }
    graph = changed.graph
    if parameters != nil { parameters = changed.parameters }
  }

  /// Checks that the network is well formed, unless it is known to be.
  ///
  /// - Throws: `ConvoyError` naming the first node or value that is not.
  mutating func verify() throws(ConvoyError) {
    guard !isVerified else { return }
    try graph.verify()
    isVerified = true
  }

  /// What there is, as a person reads it.
  ///
  /// - Parameter pass: the name of the last pass.
  func text(after pass: String) -> String { compiler?.text(after: pass) ?? graph.text }

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
