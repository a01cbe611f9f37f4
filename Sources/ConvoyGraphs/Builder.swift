public import ConvoyTensors

/// A value of a graph that is being built.
///
/// Layers are methods of values, and branches are plain Swift: use a value twice. After an error
/// the builder keeps the first error and adds nothing more, so that a chain of layers needs no
/// `try`; `GraphBuilder.finish()` throws the error.
public struct Value {
  /// The builder that the value belongs to.
  public let builder: GraphBuilder
  /// Its identity in the builder's graph.
  public let id: ValueID

  /// The extents, batch first.
  public var shape: Shape { builder.graph[id].shape }
  /// The type of the elements.
  public var type: ElementType { builder.graph[id].type }
  /// The name.
  public var name: String { builder.graph[id].name }
}

/// Builds a graph, node by node.
///
/// A builder must not be shared between threads; the finished graph may be.
public final class GraphBuilder {
  /// The graph so far.
  public private(set) var graph: Graph
  /// The first error, if there was one. Nothing is added after it.
  public private(set) var failure: ConvoyError?

  private var takenValueNames: Set<String>
  private var takenNodeNames: Set<String>
  private var nameCounts: [String: Int] = [:]
  private var scopes: [String] = []

  /// Begins a graph, or continues one.
  public init(_ graph: Graph = Graph()) {
    self.graph = graph
    takenValueNames = Set(graph.values.map(\.name))
    takenNodeNames = Set(graph.nodes.map(\.name))
  }

  /// The finished graph, verified.
  ///
  /// - Throws: the first error of building.
  public func finish() throws(ConvoyError) -> Graph {
    if let failure { throw failure }
    try graph.verify()
    return graph
  }

  /// Records an error, unless one is recorded already.
  public func fail(_ error: ConvoyError) {
    if failure == nil { failure = error }
  }

  // MARK: Values

  /// A value of the graph so far, as an input of new layers.
  public func value(_ id: ValueID) -> Value { Value(builder: self, id: id) }

  /// Declares an input, whose value is given in each run.
  @discardableResult
  public func input(_ name: String, _ shape: Shape, type: ElementType = .float32) -> Value {
    let id = add(name, TensorType(shape, type), .input)
    graph.inputs.append(id)
    return Value(builder: self, id: id)
  }

  /// Declares a parameter, with the names of its scopes as a prefix unless it is `unscoped`.
  ///
  /// A name that was used before stands for the same parameter: layers share weights by sharing a
  /// name.
  public func parameter(
    _ name: String, _ shape: Shape, type: ElementType = .float32, _ parameter: Parameter,
    unscoped: Bool = false
  ) -> Value {
    let name = unscoped ? name : scoped(name)
    if takenValueNames.contains(name), let id = graph.value(named: name),
      case .parameter(let earlier) = graph[id].origin
    {
      let asked = TensorType(shape, type)
      if graph[id].tensorType != asked || earlier.isTrainable != parameter.isTrainable {
        fail(
          ConvoyError(
            .graph,
            "The parameter \(name) was declared with shape \(graph[id].tensorType), "
              + "and is now asked for with \(asked)."))
      }
      return Value(builder: self, id: id)
    }
    return Value(builder: self, id: add(name, TensorType(shape, type), .parameter(parameter)))
  }

  /// Declares a constant of the graph.
  public func constant(_ tensor: Tensor, name: String = "constant") -> Value {
    let type = TensorType(tensor.shape, tensor.type)
    return Value(builder: self, id: add(unique(name, &takenValueNames), type, .constant(tensor)))
  }

  /// Declares an output of a run.
  public func output(_ name: String, _ value: Value) {
    if graph.outputs.contains(where: { $0.name == name }) {
      fail(ConvoyError(.graph, "Two outputs are named \(name); each needs a name of its own."))
    }
    graph.outputs.append((name, value.id))
  }

  /// Declares the new value of a parameter at the end of each run.
  public func update(_ parameter: Value, to value: Value) {
    do throws(ConvoyError) {
      try graph.verify(graph[value.id], canReplace: graph[parameter.id])
    } catch {
      fail(error)
    }
    graph.updates.append(Graph.Update(parameter: parameter.id, value: value.id))
  }

  // MARK: Nodes

  /// Applies an operator, and returns its outputs.
  ///
  /// After a failure, each output is the first input, so that code which reads shapes can continue.
  public func apply(
    _ operation: any Operator, to inputs: [Value], name: String? = nil, outputCount: Int = 1
  ) -> [Value] {
    let node = unique(scoped(name ?? type(of: operation).name), &takenNodeNames, from: name == nil)
    do {
      if failure != nil { return standIns(inputs, outputCount) }
      let made = try operation.outputs(for: inputs.map { graph[$0.id].tensorType })
      let outputs = made.indices.map { index in
        let name = made.count == 1 ? node : "\(node).\(index)"
        return add(unique(name, &takenValueNames), made[index], .computed)
      }
      graph.nodes.append(
        Graph.Node(name: node, operation: operation, inputs: inputs.map(\.id), outputs: outputs))
      return outputs.map { Value(builder: self, id: $0) }
    } catch {
      fail(error.at(node))
      return standIns(inputs, outputCount)
    }
  }

  /// Runs a closure with a scope as a prefix of names: `scope("stage2") { … }`.
  public func scope<Result, Failure: Error>(
    _ name: String, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    scopes.append(name)
    defer { scopes.removeLast() }
    return try body()
  }

  // MARK: Names

  /// Reserves a name for a value that is declared later: the given one, or, if it is taken, the
  /// name with a number.
  public func reserveName(_ name: String) -> String { unique(name, &takenValueNames) }

  /// A name for a layer: the given one, or the kind of layer with the next free number.
  func layerName(_ given: String?, kind: String) -> String {
    if let given { return given }
    let key = scoped(kind)
    nameCounts[key, default: 0] += 1
    return "\(kind)\(nameCounts[key, default: 1])"
  }

  /// The names of the scopes, joined: in an operator's training form, the name of its node.
  var scopeName: String { scopes.joined(separator: ".") }

  func scoped(_ name: String) -> String {
    (scopes + [name]).joined(separator: ".")
  }

  private func add(_ name: String, _ type: TensorType, _ origin: Graph.Origin) -> ValueID {
    if origin != .computed, takenValueNames.contains(name), graph.value(named: name) != nil {
      fail(ConvoyError(.graph, "Two values are named \(name); each needs a name of its own."))
    }
    takenValueNames.insert(name)
    graph.values.append(
      Graph.ValueInfo(name: name, shape: type.shape, type: type.type, origin: origin))
    return ValueID(graph.values.count - 1)
  }

  private func unique(
    _ name: String, _ taken: inout Set<String>, from numbered: Bool = false
  ) -> String {
    var candidate = name
    while taken.contains(candidate) {
      nameCounts["#" + name, default: 1] += 1
      candidate = "\(name)_\(nameCounts["#" + name, default: 2])"
    }
    taken.insert(candidate)
    return candidate
  }

  private func standIns(_ inputs: [Value], _ count: Int) -> [Value] {
    let any = inputs.first ?? Value(builder: self, id: ValueID(0))
    return Array(repeating: any, count: count)
  }
}

extension Value {
  /// Applies an operator of one output to this value and others.
  public func applying(
    _ operation: any Operator, _ others: [Value] = [], name: String? = nil
  ) -> Value {
    builder.apply(operation, to: [self] + others, name: name)[0]
  }

  /// Makes a layer with its own parameters: calls the closure with the layer's name, and records an
  /// error that it throws.
  func layer(
    _ name: String?, kind: String, _ body: (String) throws(ConvoyError) -> Value
  ) -> Value {
    let name = builder.layerName(name, kind: kind)
    do throws(ConvoyError) {
      return try body(name)
    } catch {
      builder.fail(error.at(builder.scoped(name)))
      return self
    }
  }

  /// Runs a closure on this value with a scope as a prefix of names.
  public func scope<Failure>(
    _ name: String, _ body: (Value) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try builder.scope(name) { () throws(Failure) in try body(self) }
  }
}
