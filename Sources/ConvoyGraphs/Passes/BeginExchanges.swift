public import ConvoyTensors

extension GraphBuilder {
  /// The means of all ranks' values, exchanged in buckets.
  ///
  /// - Parameters:
  ///   - values: on every rank in the same order.
  ///   - bucketBytes: how much is gathered before an exchange begins.
  public func means(
    of values: [Value], along axis: RankAxis, ranks: Int, bucketBytes: Int
  ) -> [Value] {
    guard ranks > 1 else { return values }
    var means = values
    // What is made first is sent first.
    var bucket: [Int] = []
    func close() {
      guard !bucket.isEmpty else { return }
      let inputs = bucket.map { values[$0] }
      let sums = apply(AllReduceBegin(axis, ranks: ranks), to: inputs)
      let made = apply(
        AllReduceEnd(axis, ranks: ranks, shapes: inputs.map(\.shape)), to: sums,
        outputCount: inputs.count)
      for (index, mean) in zip(bucket, made) { means[index] = mean }
      bucket = []
    }
    var bytes = 0
    for index in values.indices.sorted(by: { values[$0].id.index < values[$1].id.index }) {
      bucket.append(index)
      bytes += 4 * values[index].shape.elementCount
      if bytes >= bucketBytes {
        close()
        bytes = 0
      }
    }
    close()
    return means
  }
}

extension Graph {
  /// The graph with each exchange begun as soon as what it sends is there, and waited for just before its
  /// results are read, so that it goes on while other nodes are computed.
  public func overlappingExchanges() -> Graph {
    var maker: [ValueID: Int] = [:]
    var firstUse: [ValueID: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for output in node.outputs { maker[output] = index }
      for input in node.inputs where firstUse[input] == nil { firstUse[input] = index }
    }
    var begun: [Int: [Node]] = [:]
    var ended: [Int: [Node]] = [:]
    for node in nodes {
      if node.operation is AllReduceBegin {
        begun[node.inputs.compactMap { maker[$0] }.max() ?? -1, default: []].append(node)
      } else if node.operation is AllReduceEnd {
        ended[node.outputs.compactMap { firstUse[$0] }.min() ?? nodes.count, default: []]
          .append(node)
      }
    }
    var copy = self
    copy.nodes = begun[-1] ?? []
    for (index, node) in nodes.enumerated() {
      copy.nodes += ended[index] ?? []
      if !(node.operation is AllReduceBegin || node.operation is AllReduceEnd) {
        copy.nodes.append(node)
      }
      copy.nodes += begun[index] ?? []
    }
    copy.nodes += ended[nodes.count] ?? []
    return copy
  }

  /// A network in training form for one rank's share of each batch: each dropout draws the part of the
  /// whole batch's mask that belongs to its images.
  ///
  /// - Throws: what a shape rule says; not for a graph that is well formed.
  public func drawingMasks(ofRank rank: Int) throws(ConvoyError) -> Graph {
    guard rank > 0 else { return self }
    return try rewritten { node, inputs, builder in
      guard var dropout = node.operation as? DropoutTraining else { return nil }
      dropout.firstElement = rank * inputs[0].shape.elementCount
      return builder.apply(dropout, to: inputs, name: node.name)
    }
  }
}
