import ConvoyBenchmarks
import ConvoyCluster
import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import ConvoyTraining
import RankTrainings
import Testing

/// What is measured of a step over ranks, as far as it does not depend on the clock.
@Suite struct StepMeasurementTests {
  @Test(arguments: SmallNetwork.allCases, ["data=2", "groups=2", "data=2,groups=2"])
  func bytesAreThoseOfTheForecast(_ kind: SmallNetwork, _ grid: String) throws {
    let network = try kind.network().initialized(seed: 1)
    let grid = try RankGrid(parsing: grid)
    let all = try InProcessRanks.run(grid, threadCount: 1) { rank, _, pool in
      try network.measuredStep(
        batch: 8, as: rank, options: CompileOptions(pool: pool), seconds: 0)
    }
    #expect(all.count == grid.count)
    for (rank, measured) in all.enumerated() {
      #expect(measured.bytesSent == measured.expectedBytesSent)
      #expect(measured.bytesSent > 0)
      let forecast = try StepForecast(
        of: network.graph, grid: grid, batch: 8,
        options: StepOptions(optimizer: .sgd(momentum: 0.9), weightDecay: 1e-4))
      #expect(measured.bytesSent == forecast.bytesSent(byRank: rank))
      // Only gradients of shares of batches are exchanged meanwhile.
      #expect((measured.hiddenPart != nil) == (grid.data > 1))
      #expect(measured.rounds == all[0].rounds)
      for seconds in [measured.step, measured.computing, measured.withoutOverlapped] {
        #expect(seconds > 0)
      }
    }
  }

  @Test func aBatchThatCannotBeDivided() throws {
    let network = try SmallNetwork.resNeXt.network().initialized(seed: 1)
    let error = #expect(throws: ConvoyError.self) {
      try InProcessRanks.run(try RankGrid(data: 2), threadCount: 1) { rank, _, pool in
        _ = try network.measuredStep(batch: 7, as: rank, options: CompileOptions(pool: pool))
      }
    }
    #expect(error?.message == "A batch of 7 images cannot be divided evenly over 2 ranks.")
  }
}
