public import ConvoyGraphs
public import ConvoyTensors

extension Network {
  /// The network with weights from a `.safetensors` file, by the parameters' names.
  ///
  /// - Throws: `ConvoyError` when the file cannot be read, or does not hold what
  ///   `model(weights:)` expects.
  public func model(weightsAt path: String) throws(ConvoyError) -> Model {
    let file = try Safetensors(contentsOf: path)
    do {
      return try model(
        weights: Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, $0.tensor) }))
    } catch {
      throw ConvoyError(error.kind, "‘\(path)’ does not fit the network: \(error.message)")
    }
  }
}
