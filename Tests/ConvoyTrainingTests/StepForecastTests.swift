import ConvoyEngine
import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import ConvoyZoo
import Testing

@testable import ConvoyTraining

/// That bytes sent are those that communicators count is tested with the communicators, in
/// `ConvoyClusterTests`.
@Suite struct StepForecastTests {
  private static func forecast(
    _ network: String, _ grid: String = "data=1", batch: Int = 16,
    options: StepOptions = StepOptions(), speed: RankSpeed = RankSpeed()
  ) throws -> StepForecast {
    try StepForecast(
      of: Zoo.network(network).graph, grid: RankGrid(parsing: grid), batch: batch,
      options: options, speed: speed)
  }

  /// What exchanges would take one after the other.
  private static func seconds(_ forecast: StepForecast, at speed: RankSpeed) -> Double {
    forecast.exchanges.reduce(0) { $0 + $1.collective.seconds(among: $1.ranks, at: speed) }
  }

  @Test func oneRankHasAllAndSendsNothing() throws {
    let graph = try Zoo.network("alexnet-small").graph
    let forecast = try Self.forecast("alexnet-small")
    #expect(forecast.parameters == graph.cost.parameters)
    #expect(forecast.forwardMultiplyAdds == 16 * graph.cost.multiplyAdds)
    // Each product's gradients are two more; that of the first layer's image is not wanted.
    let first = graph.layerCosts()[0].cost.multiplyAdds
    #expect(forecast.backwardMultiplyAdds == 16 * (2 * graph.cost.multiplyAdds - first))
    #expect(forecast.optimizerBytes == 4 * forecast.parameters)
    #expect(forecast.exchanges.isEmpty && forecast.bytesSent(byRank: 0) == 0)
    #expect(forecast.timing.waiting == 0 && forecast.timing.hidden == 0)
    let adam = try Self.forecast("alexnet-small", options: StepOptions(optimizer: .adamW()))
    #expect(adam.optimizerBytes == 8 * forecast.parameters)
  }

  /// Batches cut by two halve the work; channels divided, that of divided layers, and their parameters.
  @Test func ranksShareTheWork() throws {
    let (one, data) = (
      try Self.forecast("alexnet-small"), try Self.forecast("alexnet-small", "data=2")
    )
    #expect(2 * data.forwardMultiplyAdds == one.forwardMultiplyAdds)
    #expect(2 * data.backwardMultiplyAdds == one.backwardMultiplyAdds)
    #expect(data.parameters == one.parameters)
    #expect(data.activationBytes < one.activationBytes)
    let groups = try Self.forecast("alexnet-small", "groups=2")
    let partition = try #require(groups.partition)
    let graph = partition.graph
    let own = graph.parameters.reduce(0) { sum, id in
      sum + graph[id].shape.elementCount / (partition.divided[graph[id].name] == nil ? 1 : 2)
    }
    #expect(groups.parameters == own && own < one.parameters)
    #expect(groups.forwardMultiplyAdds < one.forwardMultiplyAdds)
  }

  /// The formula of a ring: gradients and the loss, each sent twice but for a rank's own part.
  @Test(arguments: [2, 4, 64]) func gradientsAreSentAroundTheRing(ranks: Int) throws {
    let forecast = try Self.forecast("alexnet-small", "data=\(ranks)", batch: ranks)
    let bytes = 4 * Double(forecast.parameters + 1)
    let formula = 2 * Double(ranks - 1) / Double(ranks) * bytes
    for rank in 0..<ranks {
      let sent = Double(forecast.bytesSent(byRank: rank))
      // Parts differ by one number, in each exchange and half of it.
      #expect(abs(sent - formula) <= 8 * Double(forecast.exchanges.count))
    }
  }

  /// The last exchange begins when nothing is left to compute, so a network of one layer hides nothing.
  @Test func whatCannotBeHiddenIsWaitedFor() throws {
    let network = try Network(input: [8, 1, 1]) { $0.flattened().linear(10) }
    let speed = RankSpeed(multiplyAdds: 1e9, bandwidth: 1e6, latency: 1e-3)
    let forecast = try StepForecast(
      of: network.graph, grid: RankGrid(data: 4), batch: 8, speed: speed)
    let bytes = 4.0 * (90 + 1)
    let exchange = 2.0 * 3 * 1e-3 + 2.0 * 3 / 4 * bytes / 1e6
    #expect(abs(forecast.timing.waiting - exchange) < 1e-12)
    #expect(abs(forecast.timing.hidden) < 1e-12)
    let work = Double(forecast.forwardMultiplyAdds + forecast.backwardMultiplyAdds)
    #expect(abs(forecast.timing.computing - work / 1e9) < 1e-15)
  }

  /// Along one axis, an exchange is either hidden or waited for; those inside the network are never hidden.
  @Test(arguments: ["alexnet-small", "shufflenet-v1", "resnext-50"], ["data=4", "groups=2"])
  func exchangesAreHiddenOrWaitedFor(_ network: String, _ grid: String) throws {
    for scale in [0.01, 1, 100] {
      let speed = RankSpeed(bandwidth: 1.25e9 * scale)
      let forecast = try Self.forecast(network, grid, speed: speed)
      let all = Self.seconds(forecast, at: speed)
      let timing = forecast.timing
      #expect(all > 0 && abs(timing.hidden + timing.waiting - all) < 1e-9 * all)
      if grid == "groups=2" { #expect(timing.hidden < 1e-9 * all) }
    }
  }

  /// Large layers come last, so their gradients are exchanged while convolutions are still computed.
  @Test func gradientsAreExchangedMeanwhile() throws {
    let timing = try Self.forecast("alexnet?groups=2", "data=2", batch: 64).timing
    #expect(timing.hidden > 100 * timing.waiting)
  }

  /// The exchanges of batch norms' moments do not queue behind those of gradients.
  @Test func momentsDoNotWaitForGradients() throws {
    let graph = try Zoo.network("resnext-50").graph
    var rank = TrainingRank(unconnected: try RankGrid(data: 2), rank: 0)
    let synchronized = try StepForecast(of: graph, as: rank, batch: 64)
    rank.synchronizesNormalization = false
    let local = try StepForecast(of: graph, as: rank, batch: 64)
    #expect(local.timing.waiting < 0.05 * local.timing.hidden)
    let moments = synchronized.exchanges.filter { !$0.isOverlapped }
    #expect(moments.count == 2 * 53)
    #expect(synchronized.exchanges.count - moments.count == local.exchanges.count)
    let seconds = moments.reduce(0) { $0 + $1.collective.seconds(among: 2, at: RankSpeed()) }
    // While both are sent, each has half of the link.
    let more = synchronized.timing.waiting - local.timing.waiting
    #expect(more >= 0.99 * seconds)
    #expect(more <= 2.01 * seconds)
  }

  /// Along both axes, the link is shared: no later than one exchange after the other.
  @Test func axesShareTheLink() throws {
    for bandwidth in [1e7, 1e9, 1e11] {
      let speed = RankSpeed(bandwidth: bandwidth)
      let forecast = try Self.forecast("alexnet-small", "data=2,groups=2", speed: speed)
      let timing = forecast.timing
      let all = Self.seconds(forecast, at: speed)
      #expect(abs(timing.hidden + timing.waiting - all) < 1e-9 * all)
      let inside = forecast.exchanges.filter { !$0.isOverlapped }.reduce(0) {
        $0 + $1.collective.seconds(among: $1.ranks, at: speed)
      }
      #expect(timing.waiting >= inside * (1 - 1e-9))
    }
  }

  /// The estimate is near what a plan of the step takes, which knows of borders and fused operators.
  @Test(arguments: ["alexnet-small", "resnet-18?classes=10", "mobilenet-v1?classes=10"])
  func activationsAreNearThePlans(_ network: String) throws {
    let graph = try Zoo.network(network).graph
    let batch = 4
    let plan = try graph.trainingStep(batch: batch, StepOptions()).compiledWithVariables(
      options: CompileOptions(pool: ThreadPool(threadCount: 1)))
    let estimate = try Self.forecast(network, batch: batch).activationBytes
    let ratio = Double(estimate) / Double(plan.arenaBytes)
    #expect((0.5...1.5).contains(ratio), "\(ratio)")
  }

  @Test func scalingBeginsWithOneRank() throws {
    let graph = try Zoo.network("alexnet-small").graph
    let growing = try ScalingForecast(of: graph, groups: 2, batch: 8).rows
    #expect(growing.map(\.grid.count) == (0...10).map { 1 << $0 })
    #expect(growing.dropFirst().allSatisfy { $0.grid.groups == 2 && $0.batch == 8 * $0.grid.data })
    #expect(growing[0].efficiency == 1)
    for (row, next) in zip(growing, growing.dropFirst()) {
      #expect(next.efficiency < row.efficiency)
    }
    let same = try ScalingForecast(of: graph, groups: 1, batch: 24, isPerRank: false).rows
    #expect(same.map(\.grid.data) == [1, 2, 4, 8])
    for row in same {
      let ideal = same[0].timing.total / Double(row.grid.count)
      #expect(abs(row.efficiency - ideal / row.timing.total) < 1e-12)
    }
  }

  /// Layers whose weights are reshaped parameters cannot be divided; those beside them are.
  @Test func layersWithComputedWeightsAreRepeated() throws {
    let forecast = try Self.forecast("convnext-tiny", "groups=3", batch: 6)
    let choices = try #require(forecast.partition?.choices)
    #expect(choices.contains { $0.reason?.contains("computed") == true && !$0.isDivided })
    #expect(forecast.bytesSent(byRank: 0) > 0)
  }

  @Test func refusesWhatCannotBeDivided() throws {
    #expect(throws: ConvoyError.self) { try Self.forecast("alexnet-small", "data=3") }
    #expect(throws: ConvoyError.self) { try Self.forecast("alexnet-small", batch: 0) }
    for (ranks, bandwidth, words) in [(7, 1e9, "divide by 7"), (2, 1e3, "worth dividing")] {
      let error = #expect(throws: ConvoyError.self) {
        try Self.forecast("resnet-18", "groups=\(ranks)", speed: RankSpeed(bandwidth: bandwidth))
      }
      #expect(error?.message.contains(words) == true)
    }
    #expect(throws: ConvoyError.self) {
      try ScalingForecast(of: Zoo.network("lenet").graph, groups: 1, batch: .max / 2)
    }
  }
}
