public import ConvoyGraphs
public import ConvoyKernels
public import ConvoyTensors

/// How a graph is compiled.
public struct CompileOptions: Sendable {
  /// The threads a run uses.
  public var pool: ThreadPool
  /// Whether elementwise functions are computed by the convolution before them.
  public var fusesTails = true
  /// The machine whose instructions kernels may use: one of `Machine.available`.
  public var machine = Machine.current
  /// Whether 3×3 and 5×5 convolutions, and the gradients of their images, may be computed in Winograd's
  /// form: two to three times faster, with about twice the rounding error. See
  /// `Documentation/Winograd.md`.
  public var usesWinograd = true
  /// Whether a training step computes batch norms again for its backward half rather than keep what they
  /// made: less memory, a little more time, the same numbers. Nothing to a network that only runs.
  public var recomputesActivations = false
  /// Through whom the collective operators of each axis exchange numbers: one for each axis that the graph
  /// has operators of, of as many ranks.
  public var communicators: [RankAxis: any Communicator] = [:]

  /// The defaults: all threads of this process' shared pool.
  public init(pool: ThreadPool = .shared) { self.pool = pool }
}

extension Model {
  /// Compiles for this machine: layouts, kernels, packed weights, one memory plan.
  ///
  /// Where nobody else holds the model, each parameter is let go once it is packed.
  ///
  /// - Parameters:
  ///   - batch: how many images a run takes at once.
  ///   - options: threads and switches.
  /// - Throws: `ConvoyError` when the machine has too little memory.
  public consuming func compiled(
    batch: Int = 1, options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) -> Plan {
    let simple = try simplified()
    _ = consume self
    let graph = try simple.graph.resized(batch: batch)
    let parameters = simple.parameters
    _ = consume simple
    return try graph.compiled(parameters: consume parameters, options: options)
  }
}

extension Graph {
  /// Compiles a graph as it is, with parameters that do not change.
  ///
  /// - Parameter parameters: a tensor for each of the graph's parameters.
  /// - Throws: `ConvoyError` when one is missing or of another shape, or when the machine has too little
  ///   memory.
  public func compiled(
    parameters: consuming [String: Tensor], options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) -> Plan {
    try Model.check(parameters, of: self)
    var compiler = try Compiler(self, frozen: consume parameters, options: options)
    return try compiler.plan()
  }

  /// Compiles a graph whose parameters live outside the plan, in `Variables` that runs read and change:
  /// a training step.
  ///
  /// - Throws: `ConvoyError` when the machine has too little memory.
  public func compiledWithVariables(
    options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) -> Plan {
    var compiler = try Compiler(self, frozen: nil, options: options)
    return try compiler.plan()
  }
}

/// Turns a graph into a plan.
struct Compiler {
  let graph: Graph
  /// The parameters' numbers, if they do not change; each goes once it is packed.
  var frozen: [String: Tensor]?
  let isFrozen: Bool
  let options: CompileOptions

  var program = Program()
  private var scheduled: [ScheduledNode]
  private var layouts: LayoutPass
  /// Where each value is, in each layout it is asked for in.
  var places: [Place: BufferID] = [:]
  var contents: [(buffer: BufferID, tensor: Tensor)] = []

  struct Place: Hashable {
    var value: ValueID
    var kind: LayoutKind
    /// The order of channels in planes; nil for that which the value was made in.
    var order: ChannelOrder?
  }

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
    let nodes = try graph.nodes.map { node throws(ConvoyError) in try ScheduledNode(node) }
    scheduled = options.fusesTails ? fuseTails(nodes, in: graph) : nodes
    layouts = LayoutPass(graph, scheduled) {
      Compiler.site($0, graph, isFrozen: isFrozen, options)
    }
  }

  mutating func plan() throws(ConvoyError) -> Plan {
    placeGivenValues()
    for index in scheduled.indices { lower(index) }
    let outputs = graph.outputs.map { (name: $0.name, value: finalPlace($0.value)) }
    finishUpdates()
    return try settle(outputs)
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
    for info in graph.values where info.shape.elementCount * 4 > MemoryBlock.physicalBytes / 4 {
      throw ConvoyError(
        .resource,
        "\(info.name) has \(info.shape.elementCount) elements, more than fit in a quarter of this "
          + "machine's \(MemoryBlock.physicalBytes >> 20) MiB of memory.")
    }
  }

  /// What a node's lowering is told, but for layouts and places.
  private static func site(
    _ node: ScheduledNode, _ graph: Graph, isFrozen: Bool, _ options: CompileOptions
  ) -> LoweringSite {
    LoweringSite(
      name: node.node.name, inputShapes: node.node.inputs.map { graph[$0].shape },
      outputShapes: node.outputs.map { graph[$0].shape },
      isFrozen: node.node.inputs.map {
        switch graph[$0].origin {
        case .parameter: isFrozen
        case .constant: true
        case .input, .computed: false
        }
      },
      settings: KernelSettings(
        machine: options.machine, allowsWinograd: options.usesWinograd, weightsChange: !isFrozen),
      communicators: options.communicators, tail: node.tail)
  }

  // MARK: Buffers

  private mutating func placeGivenValues() {
    var stateCount = 0
    for id in graph.valueIDs {
      let info = graph[id]
      let count = info.shape.elementCount
      let buffer: BufferID
      switch info.origin {
      case .computed: continue
      case .input: buffer = program.arena(count: count)
      case .parameter:
        buffer = program.add(Buffer(base: .state, count: count, offset: stateCount))
        stateCount += Program.aligned(count)
      case .constant(let tensor):
        buffer = program.constant(count: count)
        contents.append((buffer, tensor))
      }
      places[Place(value: id, kind: .dense)] = buffer
    }
    program.stateCount = stateCount
  }

  /// Where a value is, row-major or in planes as it was first made; if it is only known in the other form,
  /// a step that reorders it is added.
  private mutating func place(_ value: ValueID, _ kind: LayoutKind) -> BufferID {
    place(value, kind, in: kind == .planes ? layouts.orders[value] : nil)
  }

  /// Where a value is in an order of channels; if it is not known in that, a step is added.
  private mutating func place(
    _ value: ValueID, _ kind: LayoutKind, in order: ChannelOrder?
  ) -> BufferID {
    let isOwn = order == nil || order == layouts.orders[value]
    let wanted = Place(value: value, kind: kind, order: isOwn ? nil : order)
    if let buffer = places[wanted] { return buffer }
    let name = "reorder \(graph[value].name)"
    let strided = places[Place(value: value, kind: .strided)]
    let planes = places[Place(value: value, kind: .planes)]
    // What is only known by its strides is made row-major first.
    let needsDense = kind == .planes && planes == nil && strided != nil
    let dense = needsDense ? place(value, .dense) : places[Place(value: value, kind: .dense)]
    guard let source = kind == .planes ? dense ?? planes : planes ?? strided else {
      preconditionFailure("A value is read before it is made.")
    }
    let buffer = makeBuffer(value, kind, order)
    if kind == .planes { clearHalo(of: buffer, name: name) }
    program.steps.append(
      StepDraft(name: name, reads: [source], writes: [buffer]) { placement in
        if kind == .dense {
          DenseFromPlanes(
            from: placement.planes(source), base: placement.base(source),
            to: placement.region(buffer))
        } else if source == dense {
          PlanesFromDense(
            from: placement.region(source), to: placement.planes(buffer),
            base: placement.base(buffer))
        } else {
          ChannelGather(
            placement.planes(buffer).map.indices.map { .init(source: 0, channel: $0) },
            from: [.init(placement.planes(source), base: placement.base(source))],
            to: placement.planes(buffer), base: placement.base(buffer))
        }
      })
    places[wanted] = buffer
    return buffer
  }

  /// Where a value that is row-major, perhaps with the channels last, is read as it stands, but for zeros
  /// around its images.
  private mutating func placePadded(_ value: ValueID) -> BufferID {
    let wanted = Place(value: value, kind: .padded)
    if let buffer = places[wanted] { return buffer }
    let shape = graph[value].shape
    let own = Place(value: value, kind: .strided)
    let isChannelsLast = places[own] != nil
    let source =
      places[own]
      ?? program.alias(
        of: place(value, .dense), as: PlaneLayout(rowMajor: shape, channelsLast: false))
    let halo = layouts.halo(value)
    var buffer = source
    if halo != .none {
      let padded = program.arena(
        PlaneLayout(rowMajor: shape, channelsLast: isChannelsLast, halo: halo))
      let name = "pad \(graph[value].name)"
      clearHalo(of: padded, name: name)
      program.steps.append(
        StepDraft(name: name, reads: [source], writes: [padded]) { placement in
          RowCopy(
            placement.planes(source), base: placement.base(source), to: placement.planes(padded),
            outputBase: placement.base(padded))
        })
      buffer = padded
    }
    places[wanted] = buffer
    return buffer
  }

  /// Where an input is in the layout that is asked for.
  private mutating func place(
    _ value: ValueID, as request: NodeLayouts.Request
  ) -> BufferID {
    if request.kind == .padded { return placePadded(value) }
    guard request.kind == .planes else { return place(value, .dense) }
    return switch request.order {
    case .any: place(value, .planes)
    case .exactly(let order): place(value, .planes, in: order)
    case .identity: place(value, .planes, in: ChannelOrder(identity: graph[value].shape[1]))
    }
  }

  private mutating func makeBuffer(
    _ value: ValueID, _ kind: LayoutKind, _ order: ChannelOrder? = nil
  ) -> BufferID {
    let shape = graph[value].shape
    switch kind {
    case .dense: return program.arena(count: shape.elementCount)
    case .strided, .padded: preconditionFailure("Values are not computed in such layouts.")
    case .planes:
      let order = order ?? layouts.orders[value]
      return program.arena(PlaneLayout(shape, halo: layouts.halo(value), order: order))
    }
  }

  // MARK: Steps

  private mutating func lower(_ index: Int) {
    let node = scheduled[index]
    let choice = layouts.choices[index]
    var site = layouts.completed(node)
    site.inputs = zip(node.node.inputs, choice.inputs).map { place($0, as: $1) }
    if let view = choice.view {
      let buffer = program.view(view, of: site.inputs)
      return places[Place(value: node.outputs[0], kind: .planes)] = buffer
    }
    if choice.outputs == [.strided] {
      let layout = PlaneLayout(rowMajor: graph[node.outputs[0]].shape, channelsLast: true)
      let buffer = program.alias(of: site.inputs[0], as: layout)
      return places[Place(value: node.outputs[0], kind: .strided)] = buffer
    }
    site.residual = node.residual.map {
      place($0, .planes, in: layouts.orders[node.outputs[0]])
    }
    site.outputs = node.outputs.indices.map { output in
      let value = node.outputs[output]
      let buffer =
        shared(index, output, site.inputs) ?? makeBuffer(value, choice.outputs[output])
      places[Place(value: value, kind: choice.outputs[output])] = buffer
      return buffer
    }
    for buffer in site.outputs where !site.inputs.contains(buffer) {
      clearHalo(of: buffer, name: site.name)
    }
    node.operation.lower(site, into: &program)
  }

  /// What surrounds an image in the arena was used for something else before.
  private mutating func clearHalo(of buffer: BufferID, name: String) {
    guard let planes = program.buffers[buffer.index].planes, planes.halo != .none else { return }
    program.steps.append(
      StepDraft(name: name, reads: [], writes: [buffer]) {
        HaloClearing($0.planes(buffer), base: $0.base(buffer))
      })
  }

  /// The input's buffer that an output takes over, if it may.
  private func shared(_ index: Int, _ output: Int, _ inputs: [BufferID]) -> BufferID? {
    let node = scheduled[index]
    guard output < layouts.choices[index].sharing.count else { return nil }
    switch layouts.choices[index].sharing[output] {
    case .none: return nil
    case .alias(let input): return inputs[input]
    case .update(let input):
      let parameter = node.node.inputs[input]
      let isUpdate = graph.updates.contains {
        $0.parameter == parameter && $0.value == node.outputs[output]
      }
      // Parameters that are frozen are shared by all runs and stay what they are.
      guard !isFrozen, isUpdate else { return nil }
      let sharers = Set(places.filter { $0.value == inputs[input] }.keys.map(\.value))
      let isReadLater =
        scheduled[(index + 1)...].contains { !sharers.isDisjoint(with: $0.node.inputs) }
        || graph.outputs.contains { sharers.contains($0.value) }
        || graph.updates.contains { sharers.contains($0.value) }
      return isReadLater ? nil : inputs[input]
    }
  }

  /// Where a value is at the end of a run: a parameter's old value is copied before it changes.
  private mutating func finalPlace(_ value: ValueID) -> BufferID {
    let buffer = place(value, .dense)
    let isNew = graph.updates.contains { $0.value == value }
    guard !isFrozen, program.buffers[buffer.index].base == .state, !isNew else { return buffer }
    let copy = makeBuffer(value, .dense)
    addCopy(of: value, from: buffer, to: copy)
    return copy
  }

  private mutating func addCopy(of value: ValueID, from source: BufferID, to target: BufferID) {
    let count = graph[value].shape.elementCount
    program.steps.append(
      StepDraft(name: graph[value].name, reads: [source], writes: [target]) {
        StridedCopy(contiguous: count, from: $0.region(source), to: $0.region(target))
      })
  }

  /// Adds copies to the parameters whose new values were not written in place.
  private mutating func finishUpdates() {
    guard !isFrozen else { return }
    for update in graph.updates {
      let value = place(update.value, .dense)
      guard let parameter = places[Place(value: update.parameter, kind: .dense)],
        parameter != value
      else { continue }
      addCopy(of: update.parameter, from: value, to: parameter)
    }
  }
}
