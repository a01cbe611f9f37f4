public import ConvoyGraphs
public import ConvoyTensors

extension Model {
  /// Compiles for this machine: layouts, kernels, packed weights and a memory plan.
  ///
  /// If the caller holds no other reference to the model, each parameter is released once it is
  /// packed.
  ///
  /// - Parameters:
  ///   - batch: the number of images of a run; that of the graph by default.
  ///   - options: threads and switches.
  /// - Throws: `ConvoyError` when the machine has too little memory.
  public consuming func compiled(
    batch: Int? = nil, options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) -> Plan {
    var compilation = Compilation(graph, parameters: parameters, options: options)
    _ = consume self
    compilation.batch = batch
    return try compilation.plan(through: [.simplify, .size, .compile])
  }
}

extension Graph {
  /// Compiles a graph unchanged, with constant parameters.
  ///
  /// - Parameter parameters: a tensor for each of the graph's parameters.
  /// - Throws: `ConvoyError` when one is missing or of another shape, or when the machine has too
  ///   little memory.
  public func compiled(
    parameters: consuming [String: Tensor], options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) -> Plan {
    try Model.check(parameters, of: self)
    var compilation = Compilation(self, parameters: consume parameters, options: options)
    return try compilation.plan(through: [.compile])
  }

  /// Compiles a graph whose parameters are not part of the plan, but are in `Variables` that runs
  /// read and change: a training step.
  ///
  /// - Throws: `ConvoyError` when the machine has too little memory.
  public func compiledWithVariables(
    options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) -> Plan {
    var compilation = Compilation(self, parameters: nil, options: options)
    return try compilation.plan(through: [.compile])
  }
}
