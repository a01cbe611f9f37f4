import ArgumentParser
import Convoy

/// Over which ranks a forecast of training is made, and what they can do.
struct ParallelCostArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Forecast training over ranks: data=NUMBER cuts batches, groups=NUMBER divides channels.",
      valueName: "ranks"))
  var parallel: String?

  @OptionGroup var speeds: RankSpeedArguments

  @Flag(
    help: """
      Divide the same batch over all numbers of ranks in the table; else each rank keeps its number \
      of images.
      """)
  var sameBatch = false

  func validate() throws {
    try speeds.requireRanks(parallel)
    if sameBatch, parallel == nil {
      throw ValidationError("--same-batch is for the forecast of --parallel, which is not given.")
    }
  }

  func report(of graph: Graph, batch: Int) throws(ConvoyError) -> ParallelCostReport {
    let grid = try RankGrid(parsing: parallel ?? "")
    guard (1...1 << 20).contains(batch), grid.count <= 1 << 16 else {
      throw ConvoyError(
        .argument,
        "A forecast is made for at most \(1 << 20) images and \(1 << 16) ranks, got \(batch) and "
          + "\(grid.count).")
    }
    do {
      return try ParallelCostReport(
        of: graph, grid: grid, batch: batch, speed: speeds.speed, isSameBatch: sameBatch)
    } catch {
      // Where a network is well but cannot be divided over so many ranks, the number is wrong.
      let kind: ConvoyError.Kind = error.kind == .graph && grid.groups > 1 ? .argument : error.kind
      throw ConvoyError(kind, error.message)
    }
  }
}

/// What training a network over ranks costs, as people and programs read it.
struct ParallelCostReport: Encodable {
  /// What one rank has to do.
  struct Share: Encodable {
    var parameters: Int
    var forwardMultiplyAdds: Int
    var backwardMultiplyAdds: Int
    var parameterBytes: Int
    var optimizerBytes: Int
    var activationBytes: Int

    init(_ forecast: StepForecast) {
      parameters = forecast.parameters
      forwardMultiplyAdds = forecast.forwardMultiplyAdds
      backwardMultiplyAdds = forecast.backwardMultiplyAdds
      parameterBytes = forecast.parameterBytes
      optimizerBytes = forecast.optimizerBytes
      activationBytes = forecast.activationBytes
    }
  }

  /// Bytes that ranks send along an axis in a step: parts differ by a number or two.
  struct Sent: Encodable {
    var axis: RankAxis
    var exchanges: Int
    var least: Int
    var most: Int

    init(_ axis: RankAxis, _ forecast: StepForecast) {
      self.axis = axis
      exchanges = forecast.exchanges.count { $0.axis == axis }
      let grid = forecast.grid
      // Ranks that differ in the other axis send the same.
      let ranks = axis == .data ? (0..<grid.data).map { $0 * grid.groups } : Array(0..<grid.groups)
      let bytes = ranks.map { forecast.bytesSent(byRank: $0, along: axis) }
      (least, most) = (bytes.min() ?? 0, bytes.max() ?? 0)
    }
  }

  /// How a layer is computed.
  struct Choice: Encodable {
    var node: String
    var isDivided: Bool
    /// Nil where there was no choice.
    var dividedSeconds: Double?
    var repeatedSeconds: Double
    var reason: String?
  }

  var grid: RankGrid
  var batch: Int
  var rank: Share
  /// What one rank would have to do without the others.
  var alone: Share
  var sent: [Sent]
  var choices: [Choice]
  var speed: RankSpeed
  var scaling: [ScalingForecast.Row]

  private enum CodingKeys: CodingKey {
    case grid, batch, rank, alone, sent, choices, speed, scaling
  }

  private var lines: [String]
  private var isSameBatch: Bool

  init(
    of graph: Graph, grid: RankGrid, batch: Int, speed: RankSpeed, isSameBatch: Bool
  ) throws(ConvoyError) {
    self.grid = grid
    self.batch = batch
    self.speed = speed
    self.isSameBatch = isSameBatch
    let forecast = try StepForecast(of: graph, grid: grid, batch: batch, speed: speed)
    rank = Share(forecast)
    alone = Share(try StepForecast(of: graph, grid: RankGrid(), batch: batch, speed: speed))
    sent = [RankAxis.data, .groups].map { Sent($0, forecast) }.filter { $0.exchanges > 0 }
    choices = (forecast.partition?.choices ?? []).map {
      Choice(
        node: $0.node, isDivided: $0.isDivided,
        dividedSeconds: $0.reason == nil ? $0.dividedSeconds : nil,
        repeatedSeconds: $0.repeatedSeconds, reason: $0.reason)
    }
    lines = forecast.partition?.report ?? []
    scaling = try ScalingForecast(
      of: graph, groups: grid.groups, batch: isSameBatch ? batch : batch / grid.data,
      isPerRank: !isSameBatch, speed: speed
    ).rows
  }

  // MARK: The tables

  func print() {
    Console.lines(
      "A training step of \(batch) images on \(grid.count) \(grid.count == 1 ? "rank" : "ranks"), "
        + "\(grid): \(batch / grid.data) images a rank.\n")
    for line in shareTable.lines { Console.line(line) }
    if !lines.isEmpty {
      Console.lines("\nLayers that could be divided by their outputs:")
      for line in lines { Console.line("  \(line)") }
    }
    Console.lines(
      "\nForecast of a step, \(isSameBatch ? "of the same batch" : "with the same images a rank"):")
    for line in scalingTable.lines { Console.line(line) }
    Console.lines(
      """

      Exact: parameters, multiply-adds and bytes sent, without headers. Activations are estimated: \
      each value
      from where it is made to where it is last read. Times are of a model: ranks compute \
      \((speed.multiplyAdds / 1e9).text(1)) G multiply-adds
      and send \((speed.bandwidth * 8e-9).text(1)) Gbit a second, with a latency of \
      \((speed.latency * 1e6).text(1)) µs. Gradients are exchanged while the rank goes
      on (hidden) until it needs their sums (waiting); for exchanges inside the network it waits.
      """)
    if !lines.isEmpty, speed != RankSpeed() {
      Console.line(
        "Layers are divided as suits these ranks; convoy train does so with the same options.")
    }
  }

  private var shareTable: TextTable {
    var table = TextTable(["", "each rank", "one alone"])
    func row(_ name: String, _ value: (Share) -> Int) {
      table.append([name, value(rank).grouped, value(alone).grouped])
    }
    row("parameters", \.parameters)
    row("multiply-adds, forward", \.forwardMultiplyAdds)
    row("multiply-adds, backward", \.backwardMultiplyAdds)
    row("bytes of parameters", \.parameterBytes)
    row("bytes the optimiser keeps", \.optimizerBytes)
    row("bytes of activations, about", \.activationBytes)
    for sent in sent {
      let exchanges = sent.exchanges == 1 ? "1 exchange" : "\(sent.exchanges) exchanges"
      let most = sent.least == sent.most ? "" : " at most"
      table.append(
        ["bytes sent along \(sent.axis.rawValue), \(exchanges)\(most)", sent.most.grouped, "0"])
    }
    return table
  }

  private var scalingTable: TextTable {
    var table = TextTable([
      "ranks", "images", "ms a step", "computing", "waiting", "hidden", "MB sent", "efficiency",
    ])
    for row in scaling {
      let timing = row.timing
      table.append([
        row.grid.count == 1 ? "1" : "\(row.grid.count): \(row.grid)", row.batch.grouped,
        milliseconds(timing.total), milliseconds(timing.computing), milliseconds(timing.waiting),
        milliseconds(timing.hidden), (Double(row.bytesSent) / 1e6).text(2), row.efficiency.percent,
      ])
    }
    return table
  }

  private func milliseconds(_ seconds: Double) -> String { (seconds * 1e3).text(2) }
}
