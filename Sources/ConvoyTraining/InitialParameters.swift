package import ConvoyGraphs
package import ConvoyTensors

extension Graph {
  /// A tensor for each parameter: those given, and for others what their declarations say, such as zeros
  /// for what an optimiser remembers. A step that was counted in floats, as checkpoints once did, becomes an
  /// integer.
  package func initialParameters(
    beginningWith given: [String: Tensor], seed: UInt64
  ) -> [String: Tensor] {
    var all = given
    for id in parameters {
      let info = self[id]
      guard case .parameter(let parameter) = info.origin else { continue }
      var random = Random(seed: seed)
      let tensor = all[info.name] ?? parameter.initializer.tensor(info.shape, using: &random)
      all[info.name] = tensor.converted(to: info.type)
    }
    return all
  }
}
