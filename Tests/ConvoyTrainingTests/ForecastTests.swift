import ConvoyCluster
import ConvoyEngine
import ConvoyFormats
import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import ConvoyTraining
import ConvoyZoo
import Testing

@Suite struct ForecastTests {
  /// What is sent depends on the network in these ways: layers divided and repeated, with batch norms and
  /// without, with shuffled groups, with linear layers.
  enum Sample: String, CaseIterable {
    case alexNetSmall, normalized, shuffled

    func network() throws -> Network {
      switch self {
      case .alexNetSmall: try Zoo.network("zoo:alexnet-small?groups=2&size=16&channels=3&classes=6")
      case .normalized:
        try Network(input: [3, 16, 16]) { image in
          image.convolution(10, kernel: 3, padding: 1, bias: false).batchNormalization().relu()
            .convolution(12, kernel: 3, stride: 2, padding: 1, groups: 2).batchNormalization()
            .relu().convolution(14, kernel: 1).relu().globalAveragePooling().flattened()
            .dropout(0.3).linear(6)
        }
      case .shuffled:
        try Network(input: [3, 16, 16]) { image in
          let stem = image.convolution(16, kernel: 3, stride: 2, padding: 1, bias: false)
            .batchNormalization().relu()
          let branch = stem.convolution(8, kernel: 1, groups: 4).batchNormalization().relu()
            .channelShuffle(groups: 4)
            .convolution(8, kernel: 3, padding: 1, groups: 8).batchNormalization()
            .convolution(16, kernel: 1, groups: 4).batchNormalization()
          return (stem + branch).relu().globalAveragePooling().flattened().linear(6)
        }
      }
    }
  }

  /// Noise with labels.
  struct Noise: DataSet {
    let name = "noise"
    let classNames = (0..<6).map { "\($0)" }
    let imageShape: Shape = [3, 16, 16]
    let count: Int
    func label(at index: Int) -> Int { index % 6 }
    func copyImage(at index: Int, into buffer: UnsafeMutableBufferPointer<Float>)
      throws(ConvoyError)
    {
      var random = Random(seed: 5, stream: UInt64(index))
      for position in buffer.indices { buffer[position] = random.uniform() }
    }
  }

  /// Bytes that a rank has sent, along both axes.
  private static func sent(by rank: TrainingRank) -> [RankAxis: Int] {
    rank.communicators.mapValues(\.bytesSent)
  }

  /// What communicators count in a step of the trainer is what the forecast says, rank by rank and axis by
  /// axis, whatever settings a rank has.
  @Test(
    arguments: Sample.allCases,
    ["data=2", "groups=2", "data=2,groups=2", "data=3"])
  func bytesSentAreThoseOfAStep(_ sample: Sample, _ grid: String) throws {
    let grid = try RankGrid(parsing: grid)
    let usual = TrainingOptions().step
    // In parts that cut three ranks' images evenly too.
    let changed = StepOptions(gradientClip: 1, accumulation: 2)
    for isChanged in [false, true] {
      let counted = try InProcessRanks.run(grid, threadCount: 1) { rank, _, pool in
        var rank = rank
        if isChanged {
          rank.bucketBytes = 1000
          rank.synchronizesNormalization = false
        }
        let trainer = try Trainer(
          sample.network(), data: DataSplits(training: Noise(count: 24), test: Noise(count: 6)),
          options: TrainingOptions(epochs: 1, batch: 12, step: isChanged ? changed : usual),
          compileOptions: CompileOptions(pool: pool), rank: rank)
        // Between the ends of two steps, nothing but the second is run.
        var readings: [[RankAxis: Int]] = []
        _ = try trainer.runEpoch { _, _ in readings.append(Self.sent(by: rank)) }
        let forecast = try StepForecast(
          of: sample.network().graph, as: rank, batch: 12, options: isChanged ? changed : usual)
        return (readings, forecast)
      }
      let plain = try StepForecast(of: sample.network().graph, grid: grid, batch: 12)
      for (rank, (readings, forecast)) in counted.enumerated() {
        try #require(readings.count == 2)
        var sum = 0
        for axis in RankAxis.allCases {
          let bytes = (readings[1][axis] ?? 0) - (readings[0][axis] ?? 0)
          sum += bytes
          #expect(forecast.bytesSent(byRank: rank, along: axis) == bytes)
          if !isChanged { #expect(plain.bytesSent(byRank: rank, along: axis) == bytes) }
          let extent = axis == .data ? grid.data : grid.groups
          #expect((bytes > 0) == (extent > 1))
        }
        #expect(forecast.bytesSent(byRank: rank) == sum)
      }
    }
  }
}
