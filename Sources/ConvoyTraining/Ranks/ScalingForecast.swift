public import ConvoyGraphs
public import ConvoyTensors

/// A forecast of training steps with growing numbers of ranks.
public struct ScalingForecast: Sendable {
  /// The forecast for one number of ranks.
  public struct Row: Hashable, Sendable, Codable {
    /// The grid of ranks.
    public let grid: RankGrid
    /// Images of a step, over all ranks.
    public let batch: Int
    /// Bytes that the first rank sends in a step.
    public let bytesSent: Int
    /// The times of a step.
    public let timing: StepTiming
    /// Images per second, relative to the same number of single ranks without waiting or repeated
    /// work.
    public let efficiency: Double
  }

  /// One rank, then grids with 1, 2, 4 … ranks along the data axis.
  public let rows: [Row]

  /// Forecasts steps of grids with 1, 2, 4 … ranks along the data axis.
  ///
  /// - Parameters:
  ///   - network: the whole network.
  ///   - groups: the number of ranks that channels are divided over, in all rows but the first.
  ///   - batch: images of a step.
  ///   - isPerRank: whether the batch is that of each rank along the data axis, and grows with
  ///     their number; otherwise it is that of all ranks, and the table ends where it cannot be
  ///     divided further.
  ///   - mostRanks: the largest number of ranks.
  ///   - options: the options of a step.
  ///   - speed: the speeds of ranks.
  /// - Throws: `ConvoyError` when the network cannot be divided like this, or cannot be trained.
  public init(
    of network: Graph, groups: Int, batch: Int, isPerRank: Bool = true, mostRanks: Int = 1024,
    options: StepOptions = TrainingOptions().step, speed: RankSpeed = RankSpeed()
  ) throws(ConvoyError) {
    var grids = [try RankGrid()]
    var data = 1
    while data * groups <= mostRanks, isPerRank || batch % data == 0 {
      let grid = try RankGrid(data: data, groups: groups)
      if grid.count > 1 { grids.append(grid) }
      data *= 2
    }
    var rows: [Row] = []
    // The seconds of one rank for an image.
    var single = 0.0
    for grid in grids {
      let (images, overflows) = batch.multipliedReportingOverflow(by: isPerRank ? grid.data : 1)
      guard !overflows else {
        throw ConvoyError(.argument, "\(grid.data) times \(batch) images are too many for a step.")
      }
      let forecast = try StepForecast(
        of: network, grid: grid, batch: images, options: options, speed: speed)
      let seconds = forecast.timing.total
      if grid.count == 1 { single = seconds / Double(images) }
      let ideal = single * Double(images) / Double(grid.count)
      rows.append(
        Row(
          grid: grid, batch: images, bytesSent: forecast.bytesSent(byRank: 0),
          timing: forecast.timing, efficiency: seconds > 0 ? ideal / seconds : 1))
    }
    self.rows = rows
  }
}
