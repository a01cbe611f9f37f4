public import ConvoyTensors

extension Model {
  /// The same network with its fully-connected head as convolutions, so that it also accepts larger
  /// images and then returns a map of results for each position.
  ///
  /// The first linear layer after a flattened B×C×H×W becomes a convolution with an H×W kernel,
  /// later ones 1×1 convolutions; after a global pooling, the first is 1×1 too. Names are kept. At
  /// the original size, the outputs are the same with additional spatial extents of 1.
  /// `graph.resized(["image": …])` gives the graph for other sizes, with the same parameters. A
  /// network without a linear layer on a flattened image is returned unchanged.
  ///
  /// - Throws: `ConvoyError` naming the first operator on a flattened image that has no counterpart
  ///   on maps.
  public func convolutionalized() throws(ConvoyError) -> Model {
    let head = try FullyConnectedHead(of: graph)
    guard !head.linearLayers.isEmpty else { return self }
    let shapes = head.weightShapes(in: graph)
    let convolutional = try graph.rewritten(parameterShapes: shapes) { node, inputs, builder in
      if head.droppedReshapes.contains(node.name) { return inputs }
      guard let kernel = head.linearLayers[node.name] else { return nil }
      var inputs = inputs
      inputs[1] = inputs[1].reshaped(
        to: Shape([inputs[1].shape[0], inputs[0].shape[1]] + kernel))
      let convolution = Convolution(Window(kernel: kernel))
      return builder.apply(convolution, to: inputs, name: node.name)
    }
    var reshaped: [String: Tensor] = [:]
    for (name, shape) in shapes { reshaped[name] = try parameters[name]?.reshaped(to: shape) }
    return keepingParameters(in: convolutional, but: reshaped)
  }
}

/// The operators on flattened images in a graph, and the maps that they can be applied to instead.
private struct FullyConnectedHead {
  /// For each linear layer on a flattened image, the extents of its kernel.
  private(set) var linearLayers: [String: [Int]] = [:]
  /// The reshapes that flatten an image, and their inverses: maps need neither.
  private(set) var droppedReshapes: Set<String> = []

  /// For each value that is a flattened image, the image's spatial extents.
  private var extents: [ValueID: [Int]] = [:]

  /// Finds the head.
  init(of graph: Graph) throws(ConvoyError) {
    var misfit: Graph.Node?
    for node in graph.nodes {
      let map = node.inputs.compactMap { extents[$0] }.first
      if let map, !follow(node, in: graph) {
        misfit = misfit ?? node
        // It is a head only if a linear layer follows.
        for output in node.outputs where graph[output].shape.rank == 2 { extents[output] = map }
      } else if map == nil, let flattened = graph.flattenedExtents(by: node) {
        extents[node.outputs[0]] = flattened
        droppedReshapes.insert(node.name)
      }
    }
    if let misfit, !linearLayers.isEmpty {
      throw ConvoyError(
        .graph,
        "\(misfit.name) works on a flattened image, and \(type(of: misfit.operation).name) there has "
          + "no counterpart on maps.")
    }
  }

  /// Adds a node that reads a flattened image; false if it cannot be applied to maps.
  private mutating func follow(_ node: Graph.Node, in graph: Graph) -> Bool {
    let maps = node.inputs.map { extents[$0] }
    guard let map = maps[0] ?? maps.lazy.compactMap(\.self).first else { return false }
    let isOnePixel = map.allSatisfy { $0 == 1 }
    let onlyFirst = maps[0] != nil && maps.dropFirst().allSatisfy { $0 == nil }
    if case .layer = node.operation.kind {
      guard onlyFirst else { return false }
      linearLayers[node.name] = map
      extents[node.outputs[0]] = map.map { _ in 1 }
      return true
    }
    let (from, to) = (graph[node.inputs[0]].shape, graph[node.outputs[0]].shape)
    let traits = graph.traits(of: node)
    if [.nothing, .reshapes].contains(traits.effect), traits.channels != .byPlace {
      droppedReshapes.insert(node.name)
      if to == from {
        extents[node.outputs[0]] = map
        return true
      }
      // The inverse of flattening, as after the layers of squeeze-and-excitation: the map itself.
      return to.rank == map.count + 2 && to[0] == from[0]
        && Array(to.dimensions.dropFirst(2)) == map
    }
    guard to.rank == 2, suits(traits, isOnePixel: isOnePixel) else { return false }
    for (input, other) in zip(node.inputs, maps) where other != map {
      let shape = graph[input].shape
      let isVector = shape.rank == 1 && traits.channels == .byVector
      let isNumber = shape.rank < 2 && shape.elementCount == 1
      guard isVector || isNumber else { return false }
    }
    extents[node.outputs[0]] = map
    return true
  }

  /// Whether an operator on flattened images has the same effect on their maps.
  private func suits(_ traits: OperatorTraits, isOnePixel: Bool) -> Bool {
    switch (traits.channels, traits.pixels) {
    case (.alike, .alike), (.byPlace, .byPlace): true
    // Features are channels only if a channel is one feature.
    case (_, .alike): isOnePixel
    default: false
    }
  }

  /// New shapes for the parameters that are used only as weights of these layers, all with the same
  /// kernel; others keep their shapes, and are reshaped by the graph.
  func weightShapes(in graph: Graph) -> [String: Shape] {
    var shapes: [ValueID: Shape] = [:]
    var others = Set(graph.outputs.map(\.value))
    for update in graph.updates { others.formUnion([update.parameter, update.value]) }
    for node in graph.nodes {
      for (position, id) in node.inputs.enumerated() {
        guard position == 1, let kernel = linearLayers[node.name],
          case .parameter = graph[id].origin
        else {
          others.insert(id)
          continue
        }
        let weights = graph[id].shape
        let shape = Shape([weights[0], weights[1] / kernel.reduce(1, *)] + kernel)
        if let earlier = shapes[id], earlier != shape { others.insert(id) }
        shapes[id] = shape
      }
    }
    let own = shapes.filter { !others.contains($0.key) }
    return Dictionary(uniqueKeysWithValues: own.map { (graph[$0.key].name, $0.value) })
  }
}

extension Graph {
  /// The spatial extents of the image that a node flattens to B×features; nil if it does not.
  fileprivate func flattenedExtents(by node: Node) -> [Int]? {
    guard traits(of: node).channels == .runs else { return nil }
    let (from, to) = (self[node.inputs[0]].shape, self[node.outputs[0]].shape)
    guard (3...5).contains(from.rank), to.rank == 2, to[0] == from[0] else { return nil }
    return Array(from.dimensions.dropFirst(2))
  }
}
