import ArgumentParser
import Convoy

/// `convoy bench`
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures how fast networks and single layers run.",
    discussion: """
      Examples:
        convoy bench zoo:mobilenet-v1
        convoy bench layers --only mobilenet2-dw-144
      """,
    subcommands: [BenchModel.self, BenchLayers.self], defaultSubcommand: BenchModel.self)
}

/// What is timed.
enum BenchDirection: String, ExpressibleByArgument, CaseIterable {
  case forward, training
}

/// `convoy bench layers`
struct BenchLayers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layers",
    abstract: "Times single layers.",
    discussion: """
      What is timed is what a layer costs inside a network: its kernels, without the
      reordering of the network's input and output. The peak is measured in the same
      run, by independent multiply-adds on the widest registers.

      Examples:
        convoy bench layers
        convoy bench layers --only resnext50-32x4d-c2 --threads 2
        convoy bench layers mine.csv --batch 16 --direction training --json
      """)

  @Argument(
    help: ArgumentHelp(
      """
      Layers as comma-separated values: \
      name,inputChannels,outputChannels,height,width,kernel,stride,padding,dilation,groups.
      """, valueName: "file.csv"))
  var file: String?

  @Option(
    help: ArgumentHelp(
      "Only the layer of this name, or all whose name contains it.", valueName: "name"))
  var only: String?

  @Option(help: ArgumentHelp("Threads; 1 by default.", valueName: "number"))
  var threads = 1

  @Option(help: ArgumentHelp("Images at once.", valueName: "number"))
  var batch = 1

  @Option(help: "What is timed: forward, or training (forward and both gradients).")
  var direction = BenchDirection.forward

  @Flag(help: "Compute 3×3 and 5×5 convolutions directly, not in Winograd's form.")
  var noWinograd = false

  @Flag(help: "Print one JSON object a layer.")
  var json = false

  func validate() throws {
    try validateThreads(threads)
    try validateBatch(batch)
  }

  func run() throws {
    let layers = try chosenLayers()
    var options = CompileOptions(pool: ThreadPool(threadCount: threads))
    options.usesWinograd = !noWinograd
    let benchmark = LayerBenchmark(
      batch: batch, direction: direction == .forward ? .forward : .training, options: options)
    if !json {
      Console.lines(
        "Peak \(benchmark.peak.text(1)) GFLOP/s on \(threads) "
          + "\(threads == 1 ? "thread" : "threads"), batch \(batch), \(direction.rawValue).\n")
    }
    var measurements: [LayerMeasurement] = []
    var bar = ProgressBar("timing", total: layers.count)
    for layer in layers {
      bar.update(measurements.count, layer.name)
      let measurement = try benchmark.measure(layer)
      measurements.append(measurement)
      if json { try Console.json(measurement) }
    }
    bar.clear()
    guard !json else { return }
    var table = TextTable(["layer", "ms", "median", "GFLOP/s", "% of peak", "kernel"])
    for row in measurements {
      table.append([
        row.name, row.milliseconds.text(3), row.medianMilliseconds.text(3),
        row.gigaflopsPerSecond.text(1), row.percentOfPeak.text(1), row.kernel,
      ])
    }
    for line in table.lines { Console.line(line) }
    Console.line()
    let picture = TextRoofline(
      measurements, peak: benchmark.peak, bandwidth: benchmark.measuredBandwidth())
    for line in picture.lines { Console.line(line) }
  }

  private func chosenLayers() throws(ConvoyError) -> [LayerShape] {
    var all = LayerShape.suite
    if let file { all = try LayerShape.parse(WholeFile.text(file, atMost: 1 << 24), name: file) }
    guard let only else { return all }
    let exact = all.filter { $0.name == only }
    let chosen = exact.isEmpty ? all.filter { $0.name.contains(only) } : exact
    guard !chosen.isEmpty else {
      throw ConvoyError(
        .argument,
        "No layer's name contains ‘\(only)’; there are \(all.map(\.name).joined(separator: ", ")).")
    }
    return chosen
  }
}
