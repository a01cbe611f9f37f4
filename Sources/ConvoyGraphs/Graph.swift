public import ConvoyTensors

/// The identity of a value of one graph; it has no meaning in other graphs.
public struct ValueID: Hashable, Sendable, Codable {
  /// The position in `Graph.values`.
  public let index: Int

  init(_ index: Int) { self.index = index }
}

/// A network's operators, the values between them, and the parameters by name.
///
/// Graphs are values. Each node comes after the nodes whose outputs it reads. Graphs are made by a
/// `GraphBuilder` (usually through `Network`), and changed only by building new ones.
public struct Graph: Sendable, Equatable {
  /// One application of an operator.
  public struct Node: Sendable, Equatable {
    /// A name unique among the graph's nodes.
    public let name: String
    /// The operator that is applied.
    public let operation: any Operator
    /// The values it reads, in the operator's order.
    public let inputs: [ValueID]
    /// The values it computes.
    public let outputs: [ValueID]

    /// Whether two nodes apply the same operator to the same values.
    public static func == (a: Node, b: Node) -> Bool {
      a.name == b.name && a.inputs == b.inputs && a.outputs == b.outputs
        && AnyHashable(a.operation) == AnyHashable(b.operation)
    }
  }

  /// The origin of a value.
  public enum Origin: Hashable, Sendable {
    /// Given at each run.
    case input
    /// A parameter, whose value belongs to the model.
    case parameter(Parameter)
    /// A constant, whose value belongs to the graph.
    case constant(Tensor)
    /// Computed by a node.
    case computed
  }

  /// A value: its name, shape, type and origin.
  public struct ValueInfo: Sendable, Equatable {
    /// A name unique among the graph's values.
    public let name: String
    /// The extents, batch first.
    public let shape: Shape
    /// The type of its elements.
    public let type: ElementType
    /// The value's origin.
    public let origin: Origin

    /// Its shape and type.
    public var tensorType: TensorType { TensorType(shape, type) }
  }

  /// The change of a parameter at the end of a run.
  public struct Update: Sendable, Equatable {
    /// The parameter.
    public let parameter: ValueID
    /// The new value of the parameter.
    public let value: ValueID
  }

  /// An empty graph.
  public init() {}

  /// The nodes, each after those whose outputs it reads.
  public internal(set) var nodes: [Node] = []
  /// The values, by the index in their ID.
  public internal(set) var values: [ValueInfo] = []
  /// The values that are given in each run.
  public internal(set) var inputs: [ValueID] = []
  /// The values that a run returns, with the names of the outputs.
  public internal(set) var outputs: [(name: String, value: ValueID)] = []
  /// The parameters that a run changes.
  public internal(set) var updates: [Update] = []

  /// Whether two graphs have the same nodes, values and names, each in the same order.
  ///
  /// - Complexity: O(*n*) in the number of nodes, values and elements of constants.
  public static func == (a: Graph, b: Graph) -> Bool {
    a.nodes == b.nodes && a.values == b.values && a.inputs == b.inputs && a.updates == b.updates
      && a.outputs.elementsEqual(b.outputs) { $0 == $1 }
  }

  /// The identities of all values, in the order of `values`.
  public var valueIDs: [ValueID] { values.indices.map(ValueID.init) }

  /// The name, shape, type and origin of a value.
  public subscript(id: ValueID) -> ValueInfo { values[id.index] }

  /// The parameters, in the order of declaration.
  public var parameters: [ValueID] {
    values.indices.lazy.map(ValueID.init).filter { id in
      if case .parameter = self[id].origin { true } else { false }
    }
  }

  /// The value with a name; nil if there is none.
  ///
  /// - Complexity: O(*n*) in the number of values.
  public func value(named name: String) -> ValueID? {
    values.firstIndex { $0.name == name }.map(ValueID.init)
  }

  /// The shapes of a node's inputs and outputs.
  public func shapes(of node: Node) -> (inputs: [Shape], outputs: [Shape]) {
    (node.inputs.map { self[$0].shape }, node.outputs.map { self[$0].shape })
  }

  /// The shapes and types of a node's inputs and outputs.
  public func types(of node: Node) -> (inputs: [TensorType], outputs: [TensorType]) {
    (node.inputs.map { self[$0].tensorType }, node.outputs.map { self[$0].tensorType })
  }

  /// The traits of a node's operator at the node's shapes.
  public func traits(of node: Node) -> OperatorTraits {
    let (inputs, outputs) = shapes(of: node)
    return node.operation.traits(inputs: inputs, outputs: outputs)
  }

  /// The cost of one run of a node, without parameters.
  public func cost(of node: Node) -> Cost {
    let (inputs, outputs) = types(of: node)
    return Cost(
      multiplyAdds: node.operation.multiplyAdds(
        inputs: inputs.map(\.shape), outputs: outputs.map(\.shape)),
      bytes: (inputs + outputs).reduce(0) { $0 + $1.byteCount })
  }
}

/// A tensor that belongs to a model: weights, a bias, running statistics.
public struct Parameter: Hashable, Sendable, Codable {
  /// How its initial value is chosen.
  public var initializer: Initializer
  /// Whether training changes it by its gradient. Running statistics and optimisers' moments are
  /// parameters that are not trainable.
  public var isTrainable: Bool

  /// A parameter with an initialiser.
  public init(_ initializer: Initializer, isTrainable: Bool = true) {
    self.initializer = initializer
    self.isTrainable = isTrainable
  }
}

/// How the initial value of a parameter is chosen.
public enum Initializer: Hashable, Sendable, Codable {
  /// All elements are the same.
  case constant(Float)
  /// Normal, mean 0, variance 2 ∕ fan-in: keeps the variance through ReLU layers.
  /// Source: He et al., "Delving Deep into Rectifiers", 2015.
  case he
  /// Uniform in ±√(6 ∕ (fan-in + fan-out)).
  /// Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
  /// networks", 2010.
  case glorot
  /// Normal with a given standard deviation.
  case normal(deviation: Float)

  /// Draws a tensor.
  ///
  /// For a shape [O, I, k…], the fan-in is I·Πk and the fan-out O·Πk.
  public func tensor(_ shape: Shape, using random: inout Random) -> Tensor {
    let window = shape.dimensions.dropFirst(2).reduce(1, *)
    let fanIn = Float((shape.rank > 1 ? shape[1] : 1) * window)
    let fanOut = Float((shape.rank > 0 ? shape[0] : 1) * window)
    switch self {
    case .constant(let value):
      return Tensor(shape, repeating: value)
    case .he:
      return Tensor(normal: shape, deviation: (2 / fanIn).squareRoot(), using: &random)
    case .glorot:
      let bound = (6 / (fanIn + fanOut)).squareRoot()
      return Tensor(uniform: shape, in: -bound...bound, using: &random)
    case .normal(let deviation):
      return Tensor(normal: shape, deviation: deviation, using: &random)
    }
  }
}
