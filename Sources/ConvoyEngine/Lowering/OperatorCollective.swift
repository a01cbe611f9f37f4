public import ConvoyGraphs
public import ConvoyKernels
public import ConvoyTensors

extension CollectiveOperator {
  /// What its ranks exchange when it is run, as kernels call it; nil where nothing is sent.
  ///
  /// - Parameters:
  ///   - inputs: the shapes of its inputs on one rank.
  ///   - outputs: those of its outputs there.
  public func collective(inputs: [Shape], outputs: [Shape]) -> Collective? {
    switch exchanged(inputs: inputs, outputs: outputs) {
    case .nothing: nil
    case .sum(let count): .allReduce(count: count)
    case .gathering(let count): .allGather(count: count)
    case .sumShares(let count): .reduceScatter(count: count)
    case .broadcast(let count, let root): .broadcast(count: count, root: root)
    }
  }
}
