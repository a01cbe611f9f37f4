package import ConvoyGraphs
package import ConvoyTensors

/// A network that is compiled to a plan: the state that passes work on.
package struct Compilation {
  /// The network so far.
  package internal(set) var graph: Graph { didSet { isVerified = false } }
  /// Whether the network has been verified since its last change.
  private var isVerified = false
  /// The parameters' tensors, if they are constant.
  private var parameters: [String: Tensor]?
  /// The training step that is made of the network, if any.
  package var step: StepRequest?
  /// The number of images of a run; the network's own if nil.
  package var batch: Int?
  /// The shapes of some inputs, instead of `batch`.
  package var inputShapes: [String: Shape]?
  /// The nodes of a step's forward halves.
  var forwardNodes: [Range<Int>] = []
  /// The state of the compiling passes, once they have begun.
  private var compiler: Compiler?
  var plan: Plan?
  /// The options of compiling; nil if the network is not compiled.
  private let options: CompileOptions?
  let observe: (@Sendable (PassRecord) -> Void)?

  /// A network that is compiled to a plan.
  ///
  /// - Parameter parameters: a tensor for each parameter; nil if they are in `Variables`.
  package init(
    _ graph: Graph, parameters: consuming [String: Tensor]?, options: CompileOptions
  ) {
    self.graph = graph
    self.parameters = parameters
    self.options = options
    observe = options.observePass
  }

  /// A network that is only rewritten.
  package init(
    _ graph: Graph, parameters: consuming [String: Tensor]?,
    observe: (@Sendable (PassRecord) -> Void)? = nil
  ) {
    self.graph = graph
    self.parameters = parameters
    self.observe = observe
    options = nil
  }

  /// The network so far, with its parameters.
  var model: Model { Model(unchecked: graph, parameters ?? [:]) }

  /// The number of nodes that are computed.
  var nodeCount: Int { compiler?.scheduled.count ?? graph.nodes.count }

  mutating func changeModel(
    _ change: (Model) throws(ConvoyError) -> Model?
  ) throws(ConvoyError) {
    guard let changed = try change(model) else { return }
    graph = changed.graph
    if parameters != nil { parameters = changed.parameters }
  }

  /// Verifies the network, unless it has not changed since it was last verified.
  ///
  /// - Throws: `ConvoyError` naming the first node or value that is not well formed.
  mutating func verify() throws(ConvoyError) {
    guard !isVerified else { return }
    try graph.verify()
    isVerified = true
  }

  /// The network or the state of compiling, as readable text.
  ///
  /// - Parameter pass: the name of the last pass.
  func text(after pass: String) -> String { compiler?.text(after: pass) ?? graph.text }

  /// Applies a compiling pass; returns its decisions as text if there is an observer.
  mutating func compile(
    _ change: (inout Compiler) throws(ConvoyError) -> Void
  ) throws(ConvoyError) -> [String] {
    if compiler == nil {
      guard let options else { preconditionFailure("Compiling takes options.") }
      // From here on, only the compiler holds the parameters, and releases each once it is packed.
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
  /// Changes the value in place, if there is one.
  fileprivate mutating func mutate(
    _ change: (inout Compiler) throws(ConvoyError) -> Void
  ) throws(ConvoyError) {
    guard var value = take() else { return }
    try change(&value)
    self = consume value
  }
}
