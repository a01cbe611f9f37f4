public import ConvoyGraphs
public import ConvoyKernels
public import ConvoyTensors

extension CollectiveOperator {
  /// The collective that its ranks take part in; nil where nothing is sent.
  ///
  /// - Parameters:
  ///   - inputs: the shapes of its inputs on one rank.
  ///   - outputs: the shapes of its outputs there.
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
