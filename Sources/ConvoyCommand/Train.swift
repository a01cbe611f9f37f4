import ArgumentParser
import Convoy

/// `convoy train`
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network on labelled images.",
    discussion: """
      Without options it trains a small network with two filter groups on the bundled
      handwritten digits. After each epoch it writes checkpoint.safetensors and
      history.csv, and in the end report.html: how it went, in pictures and tables.
      Of data in a folder it says which files were taken and which were left.

      Examples:
        convoy train
        convoy train --epochs 10 --seed 2 --json
        convoy train --model 'zoo:nin?groups=8' --data cifar-10-batches-bin --flip
        convoy train --resume runs/digits-1 --epochs 40
        mpirun -np 4 convoy train --parallel data=2,groups=2
      """)

  @Option(
    help: ArgumentHelp(
      "The network: zoo:NAME?key=value&… (see `convoy zoo`).", valueName: "model"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      """
      The images: digits, gratings?size=32, or a folder of CIFAR, MNIST (IDX) or class folders \
      of pictures.
      """, valueName: "data"))
  var data: String?

  @Option(help: ArgumentHelp("Resize images to this extent.", valueName: "pixels"))
  var size: Int?

  @OptionGroup(title: "Training") var training: TrainingArguments
  @OptionGroup(title: "Machine") var machine: ThreadArguments
  @OptionGroup(title: "Ranks") var ranks: ParallelArguments
  @OptionGroup(title: "Ranks") var speeds: RankSpeedArguments

  @Option(
    help: ArgumentHelp(
      "The folder to write to; runs/NAME-1 and so on by default.", valueName: "run"))
  var output: String?

  @Option(help: ArgumentHelp("Go on with a training.", valueName: "run"))
  var resume: String?

  @Flag(
    help: """
      Compute batch norms again for the backward half, rather than keep what they made: less memory, \
      the same numbers.
      """)
  var recompute = false

  @Flag(
    help: """
      Compute no convolution in Winograd's form, which rounds otherwise: for trainings to be compared \
      number by number.
      """)
  var noWinograd = false

  @Flag(help: "Print one JSON object a line.")
  var json = false

  private var compileOptions: CompileOptions {
    var options = machine.options
    options.usesWinograd = !noWinograd
    options.recomputesActivations = recompute
    return options
  }

  func validate() throws {
    if resume != nil, output != nil {
      throw ValidationError("--resume goes on in its own folder; it cannot be used with --output.")
    }
    // Under mpirun there are ranks without being named.
    if MPIEnvironment.rankCount == nil { try speeds.requireRanks(ranks.parallel) }
    if let size, !(1...4096).contains(size) {
      throw ValidationError("Expected from 1 to 4096 pixels in --size, got \(size).")
    }
  }

  func run() throws {
    let command = UncheckedCommand(train: self)
    try ranks.run(
      compileOptions, threadCount: machine.threads,
      advice: "If there is a checkpoint, go on from it by --resume."
    ) { (rank, world, options) throws(ConvoyError) in
      try command.train.run(as: rank, in: world, options)
    }
  }

  /// `@unchecked Sendable`: a parsed command is not changed any more, and its property wrappers only read.
  private struct UncheckedCommand: @unchecked Sendable {
    let train: Train
  }

  private func run(
    as rank: TrainingRank?, in world: RingCommunicator?, _ options: CompileOptions
  ) throws(ConvoyError) {
    let clock = ContinuousClock()
    let start = clock.now
    let isFirst = rank?.rank ?? 0 == 0
    let beginning =
      if let resume { try resumed(resume, rank, options) } else { try fresh(rank, options) }
    let (trainer, splits) = (beginning.trainer, beginning.splits)
    // Ranks that differ would train nonsense, or wait for each other for ever.
    try world?.requireSame(splits.fingerprint(), what: "data set")
    try world?.requireSame(trainer.fingerprint(), what: "network, options and beginning")
    // The first rank has the folder; the others write nothing.
    let folder = isFirst ? try folder(for: splits) : nil
    if isFirst { introduce(beginning, rank) }
    let epochs = trainer.options.epochs
    var bar = ProgressBar("training", total: epochs * trainer.stepsPerEpoch)
    while !trainer.isFinished {
      let epoch = trainer.history.count
      let record = try trainer.runEpoch { step, loss in
        guard isFirst else { return }
        bar.update(
          epoch * trainer.stepsPerEpoch + step,
          "epoch \(epoch + 1)/\(epochs), loss \(Double(loss).text(3))")
      }
      bar.clear()
      let checkpoint = try trainer.checkpoint()
      guard let folder else { continue }
      try folder.write(checkpoint)
      try report(record)
    }
    let evaluation = try trainer.evaluateTest(mistakeLimit: TrainingReport.mistakeLimit)
    let checkpoint = try trainer.checkpoint()
    guard let folder else { return }
    let seconds = (clock.now - start) / .seconds(1)
    let page = try TrainingReport(
      checkpoint: checkpoint, evaluation: evaluation, test: splits.test
    ).page
    try AtomicFile.write(page.html(), to: folder.reportPath)
    if json {
      try Console.json(
        Result(
          loss: trainer.history.last?.loss ?? 0, accuracy: evaluation.accuracy,
          seconds: seconds, epochs: trainer.history.count, checkpoint: folder.checkpointPath,
          history: folder.historyPath, report: folder.reportPath))
    } else {
      summarize(evaluation, folder, seconds)
    }
  }

  /// The last line of `--json`.
  private struct Result: Encodable {
    var loss: Double
    var accuracy: Double
    var seconds: Double
    var epochs: Int
    var checkpoint: String
    var history: String
    var report: String
  }

  // MARK: Beginning

  /// A training that is about to begin, or to go on.
  private struct Beginning {
    var trainer: Trainer
    var splits: DataSplits
    /// What is trained.
    var name: String
    var graph: Graph
  }

  private func folder(for splits: DataSplits) throws(ConvoyError) -> RunFolder {
    if let resume { return RunFolder(path: resume) }
    return try RunFolder.make(output, for: splits.training.name)
  }

  private func fresh(
    _ rank: TrainingRank?, _ compileOptions: CompileOptions
  ) throws(ConvoyError) -> Beginning {
    let dataName = data ?? "digits"
    let splits = try DataSets.open(dataName, size: size)
    let specification = try ModelName.completed(model ?? "zoo:alexnet-small", for: splits)
    let network = try Zoo.network(specification)
    let options = training.applied(to: TrainingOptions())
    let trainer = try Trainer(
      network, data: splits, options: options, specification: specification, dataName: dataName,
      compileOptions: compileOptions, rank: rank, speed: speeds.speed)
    return Beginning(
      trainer: trainer, splits: splits, name: specification, graph: network.graph)
  }

  private func resumed(
    _ path: String, _ rank: TrainingRank?, _ compileOptions: CompileOptions
  ) throws(ConvoyError) -> Beginning {
    let checkpoint = try RunFolder.checkpoint(at: path)
    guard let begun = checkpoint.training else {
      throw ConvoyError(.argument, "The checkpoint \(path) holds no training to go on with.")
    }
    let dataName = data ?? begun.data
    let splits = try DataSets.open(dataName, size: size ?? checkpoint.imageShape[1])
    if let model {
      let wanted = try ModelName.completed(model, for: splits)
      guard wanted == checkpoint.specification else {
        throw ConvoyError(
          .argument,
          "The training in \(path) is of \(checkpoint.specification ?? "another network"), "
            + "not of \(wanted).")
      }
    }
    var unchanged = training
    unchanged.epochs = nil
    guard unchanged.applied(to: begun.options) == begun.options else {
      throw ConvoyError(
        .argument,
        "A resumed training keeps the options it began with, except --epochs; leave the others out."
      )
    }
    let trainer = try Trainer(
      resuming: checkpoint, data: splits, epochs: training.epochs,
      compileOptions: compileOptions, rank: rank, speed: speeds.speed)
    return Beginning(
      trainer: trainer, splits: splits, name: checkpoint.specification ?? "a network",
      graph: checkpoint.model.graph)
  }

  // MARK: Reporting

  private func introduce(_ beginning: Beginning, _ rank: TrainingRank?) {
    guard !json else { return }
    let (name, trainer, data) = (beginning.name, beginning.trainer, beginning.splits)
    let cost = beginning.graph.cost
    if resume != nil { Console.line("Going on after epoch \(trainer.history.count).") }
    if let rank {
      Console.line("\(rank.grid.count) ranks, \(rank.grid).")
      for line in trainer.partition?.report ?? [] { Console.line(line) }
    }
    Console.lines(
      """
      Training \(name.escaped) on \(data.training.name.escaped): \(data.training.count) images to learn from, \
      \(data.test.count) held out.
      \(cost.parameters.grouped) parameters, \(cost.multiplyAdds.grouped) multiply-adds an image.
      """)
    if let contents = data.contents { Console.line(contents.description) }
    Console.lines("\nepoch     loss  training  held out  seconds")
  }

  private func report(_ record: EpochRecord) throws(ConvoyError) {
    if json { return try Console.json(record) }
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    Console.line(
      right("\(record.epoch)", 5) + right(record.loss.text(4), 9)
        + right(record.trainingAccuracy.percent, 10) + right(record.heldOutAccuracy.percent, 10)
        + right(record.seconds.text(2), 9))
  }

  private func summarize(_ evaluation: Evaluation, _ folder: RunFolder, _ seconds: Double) {
    Console.line()
    Report.print(evaluation)
    Console.lines(
      """

      Took \(seconds.text(1)) s. Wrote
        \(folder.checkpointPath.escaped)
        \(folder.historyPath.escaped)
        \(folder.reportPath.escaped)

      Next: convoy evaluate \(folder.path.escaped)
      """)
  }
}

/// A model's name as it is noted: with what the data decides filled in.
enum ModelName {
  /// Fills in the attributes that the network takes and the user left open: classes, size, channels.
  static func completed(_ name: String, for data: DataSplits) throws(ConvoyError) -> String {
    guard name.hasPrefix("zoo:") else {
      throw ConvoyError(
        .argument, "A network to train is named zoo:NAME?key=value (see `convoy zoo`), got \(name)."
      )
    }
    let specification = try Specification(parsing: String(name.dropFirst(4)))
    let entry = try Zoo.entry(named: specification.name)
    let shape = data.training.imageShape
    var attributes = specification.attributes
    for (key, value) in [
      ("classes", data.training.classNames.count), ("size", shape[1]), ("channels", shape[0]),
    ] where attributes[key] == nil && entry.attributes.contains(where: { $0.key == key }) {
      attributes[key] = "\(value)"
    }
    let pairs = attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return "zoo:\(specification.name)" + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
  }
}
