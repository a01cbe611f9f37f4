package import ConvoyTensors

extension Model {
  /// The model with one operator where reshapes and a transposition make blocks of pixels of
  /// channels, or the reverse; nil if there are none.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
  package func recognizingDepthToSpace() throws(ConvoyError) -> Model? {
    var makers: [ValueID: Graph.Node] = [:]
    for node in graph.nodes where node.outputs.count == 1 { makers[node.outputs[0]] = node }
    var found: [String: (operation: any Operator, image: ValueID)] = [:]
    for node in graph.nodes where node.operation is Reshape {
      guard let middle = makers[node.inputs[0]], let transpose = middle.operation as? Transpose,
        let first = makers[middle.inputs[0]], first.operation is Reshape,
        let operation = pixelMotion(
          transpose.permutation, from: graph[first.inputs[0]].shape,
          table: graph[middle.inputs[0]].shape, to: graph[node.outputs[0]].shape)
      else { continue }
      found[node.name] = (operation, first.inputs[0])
    }
    guard !found.isEmpty else { return nil }
    var new: [ValueID: Value] = [:]
    let simpler = try graph.rewritten { node, inputs, builder in
      for (id, value) in zip(node.inputs, inputs) { new[id] = value }
      guard let match = found[node.name], let image = new[match.image] else { return nil }
      return builder.apply(match.operation, to: [image], name: node.name)
    }
    return keepingParameters(in: simpler)
  }
}

/// The operator that is the same as making a table of an image, transposing it, and making an image
/// of the result.
private func pixelMotion(
  _ permutation: [Int], from image: Shape, table: Shape, to result: Shape
) -> (any Operator)? {
  guard image.rank == 4, table.rank == 6, result.rank == 4 else { return nil }
  /// The operator, if the table and the result are as it takes and makes them.
  func checked(
    _ operation: any Operator, _ extent: Int, _ expected: [Int]
  ) -> (any Operator)? {
    guard extent > 1, table.dimensions == expected,
      (try? operation.outputShapes(for: [image])) == [result]
    else { return nil }
    return operation
  }
  let (batch, channels, height, width) = (image[0], image[1], image[2], image[3])
  let extent = permutation.first == 0 && permutation.count == 6 ? table[2] : 0
  switch permutation {
  case [0, 1, 4, 2, 5, 3]:
    return checked(
      DepthToSpace(PixelBlocks(extent: extent, channelsFirst: true)), extent,
      [batch, channels / (extent * extent), extent, extent, height, width])
  case [0, 3, 4, 1, 5, 2]:
    return checked(
      DepthToSpace(PixelBlocks(extent: extent, channelsFirst: false)), extent,
      [batch, extent, extent, channels / (extent * extent), height, width])
  case [0, 1, 3, 5, 2, 4], [0, 3, 5, 1, 2, 4]:
    let side = table[3]
    return checked(
      SpaceToDepth(PixelBlocks(extent: side, channelsFirst: permutation[1] == 1)), side,
      [batch, channels, height / side, side, width / side, side])
  default: return nil
  }
}
