import ConvoyTensors

/// A node that multiplies each channel of an image with one fixed number and adds another: batch norm, or
/// arithmetic with a number a channel.
struct ChannelAffine {
  /// Which of the node's inputs is the image.
  let image: Int
  /// What each channel is multiplied with.
  let factors: [Double]
  /// What is added to it then.
  let shifts: [Double]

  /// What a node does, if it is one of those.
  init?(_ node: Graph.Node, of model: Model, _ uses: UseCounts) {
    switch node.operation {
    case let normalization as BatchNormalization:
      self.init(normalization, node, of: model, uses)
    case let arithmetic as Arithmetic:
      self.init(arithmetic, node, of: model, uses)
    default: return nil
    }
  }

  /// (image − mean) · f + shift, with f = scale ∕ √(variance + ε).
  private init?(
    _ normalization: BatchNormalization, _ node: Graph.Node, of model: Model, _ uses: UseCounts
  ) {
    let statistics = node.inputs.dropFirst().compactMap { model.fixedNumbers($0, uses)?.elements }
    guard statistics.count == 4 else { return nil }
    image = 0
    let factors = zip(statistics[0], statistics[3]).map { scale, variance in
      Double(scale) / (Double(variance) + Double(normalization.epsilon)).squareRoot()
    }
    self.factors = factors
    shifts = factors.indices.map {
      Double(statistics[1][$0]) - Double(statistics[2][$0]) * factors[$0]
    }
  }

  /// Arithmetic on an image and a tensor that repeats to a number a channel.
  private init?(
    _ arithmetic: Arithmetic, _ node: Graph.Node, of model: Model, _ uses: UseCounts
  ) {
    let numbers = node.inputs.map { model.fixedNumbers($0, uses) }
    guard let position = numbers.firstIndex(where: { $0 == nil }),
      let tensor = numbers[1 - position],
      let values = tensor.numbersByChannel(of: model.graph[node.inputs[position]].shape)
    else { return nil }
    image = position
    let isFirst = position == 0
    switch arithmetic.function {
    case .add: (factors, shifts) = (values.map { _ in 1 }, values)
    case .subtract:
      (factors, shifts) =
        isFirst ? (values.map { _ in 1 }, values.map { -$0 }) : (values.map { _ in -1 }, values)
    case .multiply: (factors, shifts) = (values, values.map { _ in 0 })
    case .divide where isFirst && !values.contains(0):
      (factors, shifts) = (values.map { 1 / $0 }, values.map { _ in 0 })
    default: return nil
    }
  }
}

extension Tensor {
  /// The number that broadcasting puts at each channel of an image, if it is one.
  fileprivate func numbersByChannel(of image: Shape) -> [Double]? {
    guard image.rank >= 2, shape.rank <= image.rank else { return nil }
    if shape.elementCount == 1 { return Array(repeating: Double(elements[0]), count: image[1]) }
    let isByChannel = (0..<shape.rank).allSatisfy { d in
      shape[d] == (d + image.rank - shape.rank == 1 ? image[1] : 1)
    }
    return isByChannel && shape.rank >= image.rank - 1 ? elements.map(Double.init) : nil
  }
}

/// How often each value of a graph is read, by nodes, as an output, or as what a parameter becomes.
struct UseCounts {
  private var counts: [Int]
  private var updated: Set<ValueID>

  init(_ graph: Graph) {
    counts = Array(repeating: 0, count: graph.values.count)
    let read =
      graph.nodes.flatMap(\.inputs) + graph.outputs.map(\.value) + graph.updates.map(\.value)
    for id in read { counts[id.index] += 1 }
    updated = Set(graph.updates.map(\.parameter))
  }

  subscript(id: ValueID) -> Int { counts[id.index] }

  func isUpdated(_ id: ValueID) -> Bool { updated.contains(id) }
}

extension Model {
  /// The numbers of a parameter that no run changes, or of a constant; nil for all else.
  func fixedNumbers(_ id: ValueID, _ uses: UseCounts) -> Tensor? {
    switch graph[id].origin {
    case .parameter: uses.isUpdated(id) ? nil : parameters[graph[id].name]
    case .constant(let tensor): tensor
    case .input, .computed: nil
    }
  }
}

extension Graph.Origin {
  var isParameter: Bool {
    if case .parameter = self { true } else { false }
  }
}
