import Convoy

/// What `convoy bench MODEL --direction training --parallel …` says.
struct RankBenchReport: Encodable {
  var grid: RankGrid
  var batch: Int
  var rounds: Int
  /// Milliseconds; see `StepMeasurement`.
  var step: Double
  var computing: Double
  var withoutOverlapped: Double
  var overlappedExchanges: Double
  /// The part of the overlapped exchanges that does not lengthen a step; nil where there are none.
  var hiddenPart: Double?
  var bytesSent: Int
  var expectedBytesSent: Int
  var speed: RankSpeed
  /// Milliseconds of a step by the forecast, for ranks of this speed.
  var forecast: Double
  var forecastHiddenPart: Double?

  init(_ measured: StepMeasurement) {
    grid = measured.grid
    batch = measured.batch
    rounds = measured.rounds
    step = measured.step * 1e3
    computing = measured.computing * 1e3
    withoutOverlapped = measured.withoutOverlapped * 1e3
    overlappedExchanges = measured.overlapped * 1e3
    hiddenPart = measured.hiddenPart
    bytesSent = measured.bytesSent
    expectedBytesSent = measured.expectedBytesSent
    speed = measured.speed
    forecast = measured.forecast.total * 1e3
    let exchanging = measured.forecast.hidden + measured.forecast.waiting
    forecastHiddenPart = exchanging > 0 ? measured.forecast.hidden / exchanging : nil
  }

  func print() {
    Console.lines(
      "A training step of \(batch) images on \(grid.count) \(grid.count == 1 ? "rank" : "ranks"), "
        + "\(grid); medians of \(rounds), on the first rank.\n")
    var table = TextTable(["", "ms"])
    table.append(["computing", computing.text(2)])
    table.append(["computing, with exchanges inside the network", withoutOverlapped.text(2)])
    table.append(["exchanges of gradients alone", overlappedExchanges.text(2)])
    table.append(["the step", step.text(2)])
    table.append(["the step by the forecast", forecast.text(2)])
    for line in table.lines { Console.line(line) }
    if let hiddenPart {
      Console.lines(
        "\nOf the gradients' exchanges \((100 * hiddenPart).text(1)) % did not lengthen the step.")
    }
    Console.lines(
      """

      The rank sent \(bytesSent.grouped) bytes, \
      \(bytesSent == expectedBytesSent ? "as forecast" : "not \(expectedBytesSent.grouped) as forecast"). \
      The forecast is of ranks that
      do \((speed.multiplyAdds / 1e9).text(1)) G multiply-adds and send \
      \((speed.bandwidth * 8e-9).text(2)) Gbit a second with a latency of \
      \((speed.latency * 1e6).text(0)) µs, as measured here.
      """)
  }
}
