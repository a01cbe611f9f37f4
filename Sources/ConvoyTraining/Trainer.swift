public import ConvoyEngine
public import ConvoyFormats
public import ConvoyGraphs
import ConvoyKernels
public import ConvoyTensors

/// Trains a classifier, epoch by epoch.
///
/// ```swift
/// let trainer = try Trainer(network, data: try DataSets.open("digits"))
/// while !trainer.isFinished { print(try trainer.runEpoch()) }
/// try trainer.checkpoint().write(to: "digits.safetensors")
/// ```
///
/// The same network, data and options give the same bits, on any number of threads, with or without
/// stopping in between. Not for sharing between threads.
public final class Trainer {
  /// How the training goes.
  public let options: TrainingOptions
  /// The epochs so far.
  public private(set) var history: [EpochRecord]
  /// How many steps an epoch has.
  public let stepsPerEpoch: Int

  private let network: Graph
  private let specification: String?
  private let dataName: String
  private let data: DataSplits
  private let normalization: Normalization
  private let rank: TrainingRank?
  /// How channels are divided over ranks, if they are.
  public let partition: Partition?
  private let plan: Plan
  private let variables: Variables
  private let compileOptions: CompileOptions
  private let trainingIndices: [Int]
  /// The images that tell whether to end early; nil to judge by the test part, without ending.
  private let validationIndices: [Int]?
  private var best: Checkpoint.Training.Best?

  /// Prepares to train a network from its initial parameters.
  ///
  /// - Parameters:
  ///   - specification: what the network was made from, to be noted in checkpoints.
  ///   - dataName: what the data was opened by, to be noted in checkpoints.
  ///   - rank: this rank's place, if several train together: each makes a trainer with the same
  ///     arguments but this, and calls the same functions in the same order.
  ///   - speed: what ranks can do, by which it is decided what of a network is worth dividing.
  /// - Throws: `ConvoyError` when network, data and options do not fit each other.
  public convenience init(
    _ network: Network, data: DataSplits, options: TrainingOptions = TrainingOptions(),
    specification: String? = nil, dataName: String? = nil,
    compileOptions: CompileOptions = CompileOptions(), rank: TrainingRank? = nil,
    speed: RankSpeed = RankSpeed()
  ) throws {
    let statistics = try ChannelStatistics(of: data.training)
    try self.init(
      network.graph, parameters: network.initialized(seed: options.seed).parameters, memory: [:],
      data: data, options: options,
      normalization: Normalization(mean: statistics.mean, deviation: statistics.deviation),
      specification: specification, dataName: dataName ?? data.training.name, history: [],
      best: nil, compileOptions: compileOptions, rank: rank, speed: speed)
  }

  /// Prepares to go on with a training as if it had never stopped.
  ///
  /// - Parameters:
  ///   - epochs: another number of epochs in all; nil for the one it began with.
  ///   - rank: this rank's place, if several train together; they need not be as many as before.
  ///   - speed: what ranks can do, by which it is decided what of a network is worth dividing.
  /// - Throws: `ConvoyError` when the checkpoint has no training in it, or the data is other data.
  public convenience init(
    resuming checkpoint: Checkpoint, data: DataSplits, epochs: Int? = nil,
    compileOptions: CompileOptions = CompileOptions(), rank: TrainingRank? = nil,
    speed: RankSpeed = RankSpeed()
  ) throws {
    guard let training = checkpoint.training else {
      throw ConvoyError(
        .argument, "The checkpoint holds a model but no training that could be resumed.")
    }
    var options = training.options
    options.epochs = epochs ?? options.epochs
    guard checkpoint.classNames == data.training.classNames else {
      throw ConvoyError(
        .argument,
        "The training to be resumed had the classes \(checkpoint.classNames.prefix(3))…, "
          + "but the data has \(data.training.classNames.prefix(3))….")
    }
    try self.init(
      checkpoint.model.graph, parameters: checkpoint.model.parameters, memory: checkpoint.memory,
      data: data, options: options, normalization: checkpoint.normalization,
      specification: checkpoint.specification, dataName: training.data, history: training.history,
      best: training.best, compileOptions: compileOptions, rank: rank, speed: speed)
  }

  private init(
    _ network: Graph, parameters: [String: Tensor], memory: [String: Tensor], data: DataSplits,
    options: TrainingOptions, normalization: Normalization, specification: String?,
    dataName: String, history: [EpochRecord], best: Checkpoint.Training.Best?,
    compileOptions: CompileOptions, rank: TrainingRank?, speed: RankSpeed
  ) throws {
    try Trainer.requireFit(network, data, options)
    let indices = Trainer.indices(count: data.training.count, options)
    trainingIndices = indices.training
    validationIndices = options.patience == nil ? nil : indices.validation
    var options = options
    options.batch = min(options.batch, trainingIndices.count)
    self.network = network
    self.options = options
    self.data = data
    self.normalization = normalization
    self.specification = specification
    self.dataName = dataName
    self.history = history
    self.best = best
    self.compileOptions = compileOptions
    self.rank = rank
    stepsPerEpoch = trainingIndices.count / options.batch
    let grid = try rank?.grid ?? RankGrid()
    guard options.batch % grid.data == 0 else {
      throw ConvoyError(
        .argument,
        "A batch of \(options.batch) images cannot be divided evenly over \(grid.data) ranks.")
    }
    let partition =
      grid.groups > 1
      ? try network.partitioned(
        groups: grid.groups, batch: options.batch / grid.data, speed: speed) : nil
    self.partition = partition
    let groupRank = rank?.groupRank ?? 0
    let step = try network.trainingStep(
      batch: options.batch / grid.data, options.step,
      recomputing: compileOptions.recomputesActivations, rank: rank, partition: partition)
    var stepOptions = compileOptions
    stepOptions.communicators = rank?.communicators ?? [:]
    plan = try step.compiledWithVariables(options: stepOptions)
    var given = parameters.merging(memory) { first, _ in first }
    if let partition {
      for (name, tensor) in given {
        given[name] = try partition.share(
          tensor, named: Optimizer.parameter(remembering: name), rank: groupRank)
      }
    }
    let initial = step.initialParameters(beginningWith: given, seed: options.seed)
    variables = try Variables(plan, parameters: initial)
  }

  /// A number that ranks which are to train together share: of the network, how it is divided, the options
  /// and where the training stands.
  ///
  /// - Throws: `ConvoyError` when the network cannot be written down.
  public func fingerprint() throws -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    let division = partition?.report ?? []
    for byte in "\(try network.json()) \(options) \(history.map(\.loss)) \(division)".utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    return hash
  }

  /// Whether all epochs are done, or the accuracy has not risen for as many as `patience` says.
  public var isFinished: Bool {
    if history.count >= options.epochs { return true }
    guard let patience = options.patience, let best else { return false }
    return history.count - best.epoch >= patience
  }

  /// Trains one epoch.
  ///
  /// - Parameter progress: called after each step with how many steps are done, and the step's loss.
  /// - Throws: `ConvoyError` when an image cannot be read, or the loss is no number any more.
  public func runEpoch(
    progress: (_ step: Int, _ loss: Float) -> Void = { _, _ in }
  ) throws -> EpochRecord {
    let clock = ContinuousClock()
    let start = clock.now
    let epoch = history.count
    let producer = BatchProducer(
      data.training, indices: trainingIndices, batch: options.batch,
      share: (rank?.dataRank ?? 0, rank?.grid.data ?? 1), epoch: epoch,
      seed: options.seed, augmentation: options.augmentation, normalization: normalization)
    var (losses, correct, step) = (0.0, 0, 0)
    var rate: Float = 0
    while let batch = try producer.next() {
      rate = options.rate.rate(
        step: epoch * stepsPerEpoch + step, stepsPerEpoch: stepsPerEpoch, epochs: options.epochs)
      let (loss, right) = try run(batch, rate)
      guard loss.isFinite else {
        throw ConvoyError(
          .argument,
          "The loss became \(loss) in epoch \(epoch + 1), step \(step + 1); "
            + "a learning rate below \(options.rate.peak) may help.")
      }
      losses += Double(loss)
      correct += right
      step += 1
      progress(step, loss)
    }
    if let rank { correct = Int(try rank.sum([Float(correct)], along: .data)[0]) }
    let record = EpochRecord(
      epoch: epoch + 1, loss: losses / Double(step),
      trainingAccuracy: Double(correct) / Double(step * options.batch),
      heldOutAccuracy: try heldOutAccuracy(), rate: rate,
      seconds: (clock.now - start) / .seconds(1))
    history.append(record)
    if options.patience != nil, record.heldOutAccuracy > best?.accuracy ?? -1 {
      best = Checkpoint.Training.Best(accuracy: record.heldOutAccuracy, epoch: record.epoch)
    }
    return record
  }

  /// The part of the held-out images that are recognised now; where several ranks train, each examines its
  /// share of them.
  private func heldOutAccuracy() throws -> Double {
    let images = validationIndices == nil ? data.test : data.training
    let indices = validationIndices ?? Array(0..<images.count)
    guard let rank else { return try evaluate(images, indices: indices).accuracy }
    let own = Collective.share(of: indices.count, rank: rank.rank, of: rank.grid.count)
    // All put the model together, also those that have no image to examine.
    let model = try model()
    let correct =
      own.isEmpty ? 0 : try evaluate(images, with: model, indices: Array(indices[own])).correct
    var sum = [Float(correct)]
    for axis in RankAxis.allCases { sum = try rank.sum(sum, along: axis) }
    return Double(sum[0]) / Double(indices.count)
  }

  private func run(_ batch: Batch, _ rate: Float) throws -> (loss: Float, correct: Int) {
    let outputs = try plan.run(
      named: [
        network[network.inputs[0]].name: batch.images, "labels": batch.labels,
        "rate": Tensor([], repeating: rate),
      ], variables: variables)
    guard let loss = outputs["loss"], let scores = outputs["scores"] else {
      preconditionFailure("A training step returns a loss and scores.")
    }
    let classes = scores.shape[1]
    let labels = try batch.labels.elements(as: Int32.self)
    let correct = labels.indices.filter { position in
      let row = scores.elements[position * classes..<(position + 1) * classes]
      return row.indexOfLargest == Int(labels[position])
    }
    return (loss.elements[0], correct.count)
  }

  /// Examines the network as it is now on the test part of the data.
  ///
  /// - Parameter mistakeLimit: how many mistakes to keep at most, in `Evaluation.mistakes`.
  /// - Throws: `ConvoyError` when an image cannot be read.
  public func evaluateTest(mistakeLimit: Int = 0) throws -> Evaluation {
    try evaluate(data.test, mistakeLimit: mistakeLimit)
  }

  /// Classifies images with the network as it is now.
  ///
  /// - Parameters:
  ///   - indices: which images; all, unless given.
  ///   - mistakeLimit: how many mistakes to keep at most, in `Evaluation.mistakes`.
  /// - Throws: `ConvoyError` when an image cannot be read.
  public func evaluate(
    _ data: any DataSet, indices: [Int]? = nil, mistakeLimit: Int = 0
  ) throws -> Evaluation {
    try evaluate(data, with: model(), indices: indices, mistakeLimit: mistakeLimit)
  }

  private func evaluate(
    _ data: any DataSet, with model: Model, indices: [Int]?, mistakeLimit: Int = 0
  ) throws -> Evaluation {
    let count = indices?.count ?? data.count
    let classifier = try Classifier(
      model, classNames: data.classNames, normalization: normalization,
      batch: min(64, count), options: compileOptions)
    return try classifier.evaluate(data, indices: indices, mistakeLimit: mistakeLimit)
  }

  /// The network with its parameters as they are now.
  ///
  /// Where several ranks train, all call this together.
  public func model() throws(ConvoyError) -> Model {
    var parameters: [String: Tensor] = [:]
    for id in network.parameters {
      let name = network[id].name
      parameters[name] = try whole(name, isTrained: network[id].isTrainable)
    }
    return try Model(network, parameters: parameters)
  }

  /// A variable as one process would have it: put together from shares, and the mean of what ranks keep
  /// of their own images.
  private func whole(_ name: String, isTrained: Bool) throws(ConvoyError) -> Tensor? {
    guard var tensor = variables[name], let rank else { return variables[name] }
    if !isTrained, rank.grid.data > 1, !rank.synchronizesNormalization {
      let sums = try rank.sum(tensor.elements, along: .data)
      tensor = try Tensor(tensor.shape, sums.map { $0 / Float(rank.grid.data) })
    }
    let parameter = Optimizer.parameter(remembering: name)
    guard let partition, partition.divided[parameter] != nil else { return tensor }
    let all = try rank.gather(tensor.elements, along: .groups)
    let count = tensor.shape.elementCount
    var shares: [Tensor] = []
    for share in 0..<rank.grid.groups {
      shares.append(try Tensor(tensor.shape, Array(all[share * count..<(share + 1) * count])))
    }
    return partition.whole(shares, named: parameter)
  }

  /// The training as it is now, to be written to a file.
  ///
  /// Where several ranks train, all call this together.
  public func checkpoint() throws(ConvoyError) -> Checkpoint {
    let model = try model()
    var memory: [String: Tensor] = [:]
    for name in variables.names where model.parameters[name] == nil {
      memory[name] = try whole(name, isTrained: true)
    }
    return Checkpoint(
      model: model, specification: specification, classNames: data.training.classNames,
      normalization: normalization,
      training: Checkpoint.Training(
        options: options, data: dataName, history: history, best: best),
      memory: memory)
  }

  // MARK: Preparation

  /// A seeded tenth of the training images is set aside when training may end early.
  private static func indices(
    count: Int, _ options: TrainingOptions
  ) -> (training: [Int], validation: [Int]) {
    guard options.patience != nil, count >= 10 else { return (Array(0..<count), Array(0..<count)) }
    var random = Random(seed: options.seed, stream: .max)
    let order = (0..<count).shuffled(using: &random)
    return (order.dropFirst(count / 10).sorted(), order.prefix(count / 10).sorted())
  }

  private static func requireFit(
    _ network: Graph, _ data: DataSplits, _ options: TrainingOptions
  ) throws(ConvoyError) {
    guard options.epochs >= 1, options.batch >= 1 else {
      throw ConvoyError(
        .argument,
        "Training takes at least 1 epoch and 1 image a batch, got \(options.epochs) and "
          + "\(options.batch).")
    }
    guard options.rate.peak.isFinite, options.rate.peak > 0 else {
      throw ConvoyError(
        .argument, "The learning rate must be a number above 0, got \(options.rate.peak).")
    }
    guard network.inputs.count == 1 else {
      throw ConvoyError(
        .graph, "Training takes a network of one input, got one of \(network.inputs.count).")
    }
    let input = network[network.inputs[0]].shape
    guard Array(input.dimensions.dropFirst()) == data.training.imageShape.dimensions else {
      throw ConvoyError(
        .shape,
        "The network takes images of \(Shape(input.dimensions.dropFirst())), but those of "
          + "\(data.training.name) are \(data.training.imageShape).")
    }
    let classes = data.training.classNames.count
    for (_, value) in network.outputs {
      let scores = network[value].shape
      guard scores.rank >= 2, scores[1] == classes else {
        throw ConvoyError(
          .shape,
          "\(data.training.name) has \(classes) classes, but the network's scores are \(scores); "
            + "a network of \(classes) classes is needed.")
      }
    }
  }
}
