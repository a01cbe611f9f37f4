import ArgumentParser
import Convoy

/// `convoy bench MODEL`
struct BenchModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Times a whole network, and each of its operators.",
    discussion: """
      Weights need not be trained: a network of the zoo is timed with random ones.
      The peak is measured in the same run, by independent multiply-adds on the
      widest registers.

      Examples:
        convoy bench zoo:squeezenet-1.1
        convoy bench 'zoo:mobilenet-v1?width=0.5' --threads 2 --batch 4 --json
        convoy bench zoo:shufflenet-v2 --direction training --batch 16
        mpirun -np 2 convoy bench zoo:resnet-50 --direction training --batch 32 \\
          --parallel data=2
      """)

  @Argument(help: "A file or a network of the zoo: see `convoy zoo`.")
  var model: String

  @Option(help: ArgumentHelp("Threads, of each rank; 1 by default.", valueName: "number"))
  var threads = 1

  @OptionGroup(title: "Inputs") var shapes: ShapeArguments

  @Option(
    help: """
      What is timed: forward, or training (a whole step: forward, cross-entropy, backward, SGD with \
      momentum and weight decay).
      """)
  var direction = BenchDirection.forward

  @Option(help: ArgumentHelp("Operators to list; 0 lists all.", valueName: "number"))
  var top = 20

  @Flag(help: "Compute 3×3 and 5×5 convolutions directly, not in Winograd's form.")
  var noWinograd = false

  @Option(
    help: ArgumentHelp(
      "Cut the images of a training step into so many parts and add up their gradients.",
      valueName: "parts"))
  var accumulate: Int?

  @Flag(
    help: """
      Compute batch norms again for the backward half of a training step, rather than keep what they \
      made.
      """)
  var recompute = false

  @OptionGroup(title: "Ranks") var ranks: ParallelArguments

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try validateThreads(threads)
    if direction == .forward, ranks.parallel != nil || ranks.localBatchNorm {
      throw ValidationError("Ranks train together: --parallel is for --direction training.")
    }
    if recompute, direction == .forward {
      throw ValidationError("--recompute is for --direction training.")
    }
    if let accumulate {
      guard direction == .training else {
        throw ValidationError("--accumulate is for --direction training.")
      }
      guard (1...65536).contains(accumulate) else {
        throw ValidationError("Expected 1 to 65536 parts in --accumulate, got \(accumulate).")
      }
    }
    guard top >= 0 else { throw ValidationError("Expected 0 or more in --top, got \(top).") }
  }

  func run() throws {
    if direction == .training, let grid = try ranks.grid() { return try run(over: grid) }
    let clock = ContinuousClock()
    let start = clock.now
    let model = try ModelSource.load(self.model).model(shapes.given)
    let batch = model.graph.batch
    let load = (clock.now - start) / .milliseconds(1)
    let options = compileOptions
    let measurement =
      switch direction {
      case .forward: try (consume model).measured(options: options)
      case .training: try model.measuredTraining(batch: batch, step: stepOptions, options: options)
      }
    if json { return try Console.json(Row(measurement, load: load)) }
    show(measurement, load: load, batch: batch)
  }

  private var stepOptions: StepOptions {
    StepOptions(
      optimizer: .sgd(momentum: 0.9), weightDecay: 1e-4, accumulation: accumulate ?? 1)
  }

  private var compileOptions: CompileOptions {
    var options = CompileOptions(pool: ThreadPool(threadCount: threads))
    options.usesWinograd = !noWinograd
    options.recomputesActivations = recompute
    return options
  }

  /// Times steps of several ranks, beside what they compute and exchange alone.
  private func run(over grid: RankGrid) throws(ConvoyError) {
    let (source, shapes, step, json) = (model, shapes.given, stepOptions, json)
    try ranks.run(compileOptions, threadCount: threads * grid.count) {
      (rank, _, options) throws(ConvoyError) in
      guard let rank else { return }
      let model = try ModelSource.load(source).model(shapes)
      let measured = try model.measuredStep(
        batch: model.graph.batch, as: rank, step: step, options: options)
      guard rank.rank == 0 else { return }
      let report = RankBenchReport(measured)
      if json { try Console.json(report) } else { report.print() }
    }
  }

  private func show(_ measurement: ModelMeasurement, load: Double, batch: Int) {
    let sum = measurement.operators.reduce(0) { $0 + $1.milliseconds }
    let listed = top == 0 ? measurement.operators[...] : measurement.operators.prefix(top)
    var table = TextTable(["operator", "ms", "% of time", "% of peak", "kernel"])
    for row in listed {
      table.append([
        row.name, row.milliseconds.text(3), (100 * row.milliseconds / sum).text(1),
        row.multiplyAdds == 0 ? "" : row.percentOfPeak.text(1), row.kernel,
      ])
    }
    for line in table.lines { Console.line(line) }
    let rest = measurement.operators.dropFirst(listed.count)
    if !rest.isEmpty {
      let time = rest.reduce(0) { $0 + $1.milliseconds }
      Console.line("and \(rest.count) more that take \(time.text(3)) ms together")
    }
    Console.line()
    Console.line(
      "\(measurement.milliseconds.text(3)) ms a \(direction == .forward ? "run" : "step") (median \(measurement.medianMilliseconds.text(3))"
        + "), \(measurement.gigaflopsPerSecond.text(1)) GFLOP/s, "
        + "\(measurement.percentOfPeak.text(1)) % of the peak of \(measurement.peak.text(1))")
    Console.line(
      "\(load.text(1)) ms to load, \(measurement.compileMilliseconds.text(1)) to compile, "
        + "\(measurement.firstMilliseconds.text(1)) for the first run; "
        + "\(measurement.weightBytes.grouped) bytes of "
        + (direction == .forward ? "packed weights, " : "parameters and their memories, ")
        + "\(measurement.arenaBytes.grouped) of activations, "
        + "\(ProcessMemory.peakBytes.grouped) at most in the process")
    Console.line(
      "\(threads) \(threads == 1 ? "thread" : "threads"), batch \(batch); a multiply-add is two "
        + "operations; convolutions in Winograd's form may exceed the peak.")
  }

  private struct Row: Encodable {
    var milliseconds: Double
    var medianMilliseconds: Double
    var loadMilliseconds: Double
    var compileMilliseconds: Double
    var firstMilliseconds: Double
    var arenaBytes: Int
    var weightBytes: Int
    var peakBytes: Int
    var multiplyAdds: Int
    var gigaflopsPerSecond: Double
    var percentOfPeak: Double
    var operators: [ModelMeasurement.OperatorTime]

    init(_ measurement: ModelMeasurement, load: Double) {
      milliseconds = measurement.milliseconds
      medianMilliseconds = measurement.medianMilliseconds
      loadMilliseconds = load
      compileMilliseconds = measurement.compileMilliseconds
      firstMilliseconds = measurement.firstMilliseconds
      arenaBytes = measurement.arenaBytes
      weightBytes = measurement.weightBytes
      peakBytes = ProcessMemory.peakBytes
      multiplyAdds = measurement.multiplyAdds
      gigaflopsPerSecond = measurement.gigaflopsPerSecond
      percentOfPeak = measurement.percentOfPeak
      operators = measurement.operators
    }
  }
}

/// Throws unless as many threads can be asked for.
func validateThreads(_ threads: Int) throws(ValidationError) {
  guard (1...1024).contains(threads) else {
    throw ValidationError("Expected from 1 to 1024 in --threads, got \(threads).")
  }
}

/// Throws unless as many images can be taken at once.
func validateBatch(_ batch: Int) throws(ValidationError) {
  guard (1...4096).contains(batch) else {
    throw ValidationError("Expected from 1 to 4096 images in --batch, got \(batch).")
  }
}
