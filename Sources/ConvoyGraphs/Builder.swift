public import ConvoyTensors

/// A value of a graph that is being built.
///
/// Layers are methods on it, and branches are plain Swift: use it twice. After a mistake the builder
/// keeps the first error and adds nothing more, so that a chain of layers needs no `try`; whoever
/// made the builder gets the error.
public struct Value {
  /// The builder it belongs to.
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
/// Not for sharing between threads; the graph it leaves behind is.
public final class GraphBuilder {
  /// The graph so far.
  public private(set) var graph: Graph
  /// The first mistake, if one was made. Nothing is added after it.
  public private(set) var failure: ConvoyError?

  private var takenValueNames: Set<String>
  private var takenNodeNames: Set<String>
  private var nameCounts: [String: Int] = [:]
  private var scopes: [String] = []

  /// Starts a graph, or goes on with one.
  public init(_ graph: Graph = Graph()) {
    self.graph = graph
    takenValueNames = Set(graph.values.map(\.name))
    takenNodeNames = Set(graph.nodes.map(\.name))
  }

  /// The finished graph, checked.
  ///
  /// - Throws: the first mistake made while building.
  public func finish() throws(ConvoyError) -> Graph {
    if let failure { throw failure }
    try graph.verify()
    return graph
  }

  /// Notes a mistake, unless one is noted already.
  public func fail(_ error: ConvoyError) {
    if failure == nil { failure = error }
  }

  // MARK: Values

  /// A value of the graph so far, to build on.
  public func value(_ id: ValueID) -> Value { Value(builder: self, id: id) }

  /// Declares a value that is given at each run.
  @discardableResult
  public func input(_ name: String, _ shape: Shape, type: ElementType = .float32) -> Value {
    let id = add(name, TensorType(shape, type), .input)
    graph.inputs.append(id)
    return Value(builder: self, id: id)
  }

  /// Declares a parameter, under the names of the scopes it stands in unless it is `unscoped`.
  ///
  /// A name used before means the same parameter: layers share weights by sharing a name.
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

  /// Declares numbers that belong to the graph.
  public func constant(_ tensor: Tensor, name: String = "constant") -> Value {
    let type = TensorType(tensor.shape, tensor.type)
    return Value(builder: self, id: add(unique(name, &takenValueNames), type, .constant(tensor)))
  }

  /// Declares what a run returns.
  public func output(_ name: String, _ value: Value) {
    if graph.outputs.contains(where: { $0.name == name }) {
      fail(ConvoyError(.graph, "Two outputs are named \(name); each needs a name of its own."))
    }
    graph.outputs.append((name, value.id))
  }

  /// Declares that a parameter takes on a value at the end of each run.
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
  /// After a failure the first input is returned in place of each output, so that code which looks at
  /// shapes can go on.
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

  /// Runs a closure in which names are put below another: `scope("stage2") { … }`.
  public func scope<Result, Failure: Error>(
    _ name: String, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    scopes.append(name)
    defer { scopes.removeLast() }
    return try body()
  }

  // MARK: Names

  /// Keeps a name for a value that is declared later: the one given, or if it is taken, with a number.
  public func reserveName(_ name: String) -> String { unique(name, &takenValueNames) }

  /// A name for a layer: the one given, or the kind of layer with the next free number.
  func layerName(_ given: String?, kind: String) -> String {
    if let given { return given }
    let key = scoped(kind)
    nameCounts[key, default: 0] += 1
    return "\(kind)\(nameCounts[key, default: 1])"
  }

  /// The scopes' names, joined: in an operator's training form, the name of its node.
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

  /// Makes a layer with parameters of its own: gives the closure the layer's name, and notes what it
  /// throws as the builder's mistake.
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

  /// Runs a closure on this value with names put below another.
  public func scope(_ name: String, _ body: (Value) throws -> Value) rethrows -> Value {
    try builder.scope(name) { try body(self) }
  }
}
