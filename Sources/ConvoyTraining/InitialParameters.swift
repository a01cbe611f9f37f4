package import ConvoyGraphs
package import ConvoyTensors

extension Graph {
  /// A tensor for each parameter: the given one, or one by the parameter's initializer, such as
  /// zeros for an optimiser's state. A step's number that is a float, as in older checkpoints,
  /// becomes an integer.
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
