package import ConvoyGraphs
package import ConvoyTensors

extension Graph {
  /// A tensor for each parameter: those given, and for others what their declarations say, such as zeros
  /// for what an optimiser remembers.
  package func initialParameters(
    beginningWith given: [String: Tensor], seed: UInt64
  ) -> [String: Tensor] {
    var all = given
    for id in parameters where all[self[id].name] == nil {
      guard case .parameter(let parameter) = self[id].origin else { continue }
      var random = Random(seed: seed)
      all[self[id].name] = parameter.initializer.tensor(self[id].shape, using: &random)
    }
    return all
  }
}
