import ConvoyCluster
import ConvoyEngine
import ConvoyTensors
import ConvoyTraining
import RankTrainings

/// Trains small networks over the ranks of a grid, and alone, and compares.
///
/// - Returns: a line for each network.
func compareTraining(over grid: String, _ world: RingCommunicator) throws -> [String] {
  let rank = try TrainingRank(RankGrid(parsing: grid), over: world)
  let pool = ThreadPool(threadCount: 1)
  return try SmallNetwork.allCases.map { kind in
    let network = try kind.network()
    let together = try train(network, contrast: kind.contrast, as: rank, on: pool)
    let alone = try train(network, contrast: kind.contrast, as: nil, on: pool)
    let difference = together.difference(from: alone)
    guard difference <= 1e-5, together.accuracy == alone.accuracy else {
      throw ConvoyError(
        .argument,
        "\(kind) over \(grid): losses differ from those of one process by \(difference), accuracies "
          + "are \(together.accuracy) and \(alone.accuracy).")
    }
    return "\(kind) over \(grid): losses of \(alone.losses.count) steps differ by \(difference)"
  }
}
