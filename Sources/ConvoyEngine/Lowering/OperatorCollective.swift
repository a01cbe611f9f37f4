public import ConvoyGraphs
public import ConvoyKernels
public import ConvoyTensors

extension CollectiveOperator {
  /// What its ranks exchange when it is run; nil where nothing is sent.
  ///
  /// - Parameters:
  ///   - inputs: the shapes of its inputs on one rank.
  ///   - outputs: those of its outputs there.
  public func collective(inputs: [Shape], outputs: [Shape]) -> Collective? {
    switch self {
    case is AllReduce, is AllReduceBegin: .allReduce(count: outputs[0].elementCount)
    case is AllGather: .allGather(count: inputs[0].elementCount)
    case is ReduceScatter: .reduceScatter(count: outputs[0].elementCount)
    case let broadcast as Broadcast:
      .broadcast(count: outputs[0].elementCount, root: broadcast.root)
    // Few numbers, for which ranks wait: gathering takes half the steps of adding up.
    case is SynchronizedBatchNormalization, is SynchronizedBatchNormalizationGradient:
      .allGather(count: 2 * inputs[0][1])
    // A use, a slice, and the wait for what `AllReduceBegin` sends.
    default: nil
    }
  }
}
