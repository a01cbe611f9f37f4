import ConvoyTensors

extension GraphBuilder {
  /// The means of all ranks' values, exchanged in buckets.
  ///
  /// - Parameters:
  ///   - values: values in the same order on every rank.
  ///   - bucketBytes: the size at which an exchange begins.
  public func means(
    of values: [Value], along axis: RankAxis, ranks: Int, bucketBytes: Int
  ) -> [Value] {
    guard ranks > 1 else { return values }
    var means = values
    // Values that are computed first are sent first.
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
      bytes += graph[values[index].id].tensorType.byteCount
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
  /// The graph with each exchange begun as soon as its inputs are available, and awaited just
  /// before its results are read, so that it proceeds while other nodes are computed.
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
      switch node.operation.exchangePhase {
      case .beginning:
        begun[node.inputs.compactMap { maker[$0] }.max() ?? -1, default: []].append(node)
      case .end:
        ended[node.outputs.compactMap { firstUse[$0] }.min() ?? nodes.count, default: []]
          .append(node)
      case .whole, nil: break
      }
    }
    var copy = self
    copy.nodes = begun[-1] ?? []
    for (index, node) in nodes.enumerated() {
      copy.nodes += ended[index] ?? []
      switch node.operation.exchangePhase {
      case .beginning, .end: break
      case .whole, nil: copy.nodes.append(node)
      }
      copy.nodes += begun[index] ?? []
    }
    copy.nodes += ended[nodes.count] ?? []
    return copy
  }
}

extension Operator {
  /// The part of an exchange that the operator is; nil for an operator that exchanges nothing.
  fileprivate var exchangePhase: ExchangePhase? {
    if case .exchange(let operation) = kind { operation.phase } else { nil }
  }
}
