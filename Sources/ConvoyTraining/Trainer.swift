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
/// The same network, data and options give the same bits, with any number of threads, also if the
/// training is interrupted and resumed. A trainer must not be shared between threads.
public final class Trainer {
  /// The training's options.
  public let options: TrainingOptions
  /// The records of all epochs so far.
  public private(set) var history: [EpochRecord]
  /// The number of steps in an epoch.
  public let stepsPerEpoch: Int

  private let network: Graph
  private let specification: String?
  private let dataName: String
  private let data: DataSplits
  private let normalization: Normalization
  private let rank: TrainingRank?
  /// The division of channels over ranks; nil if they are not divided.
  public let partition: Partition?
  private let plan: Plan
  private let variables: Variables
  private let compileOptions: CompileOptions
  private let trainingIndices: [Int]
  /// The images that decide about early stopping; nil to use the test images, without early
  /// stopping.
  private let validationIndices: [Int]?
  private var best: Checkpoint.Training.Best?

  /// Prepares to train a network from its initial parameters.
  ///
  /// - Parameters:
  ///   - specification: the network's specification, for checkpoints.
  ///   - dataName: the data set's name, for checkpoints.
  ///   - rank: this rank, if several train together: each creates a trainer with the same other
  ///     arguments, and calls the same functions in the same order.
  ///   - speed: the speeds of ranks, which decide what to divide.
  /// - Throws: `ConvoyError` when network, data and options do not fit each other.
  public convenience init(
    _ network: Network, data: DataSplits, options: TrainingOptions = TrainingOptions(),
    specification: String? = nil, dataName: String? = nil,
    compileOptions: CompileOptions = CompileOptions(), rank: TrainingRank? = nil,
    speed: RankSpeed = RankSpeed()
  ) throws(ConvoyError) {
    let statistics = try ChannelStatistics(of: data.training)
    try self.init(
      network.graph, parameters: network.initialized(seed: options.seed).parameters, memory: [:],
      data: data, options: options,
      normalization: Normalization(mean: statistics.mean, deviation: statistics.deviation),
      specification: specification, dataName: dataName ?? data.training.name, history: [],
      best: nil, compileOptions: compileOptions, rank: rank, speed: speed)
  }

  /// Prepares to resume a training.
  ///
  /// - Parameters:
  ///   - epochs: another total number of epochs; nil for the original one.
  ///   - rank: this rank, if several train together; their number may differ from the original one.
  ///   - speed: the speeds of ranks, which decide what to divide.
  /// - Throws: `ConvoyError` when the checkpoint has no training, or the data differ.
  public convenience init(
    resuming checkpoint: Checkpoint, data: DataSplits, epochs: Int? = nil,
    compileOptions: CompileOptions = CompileOptions(), rank: TrainingRank? = nil,
    speed: RankSpeed = RankSpeed()
  ) throws(ConvoyError) {
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
  ) throws(ConvoyError) {
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
    let grid = if let rank { rank.grid } else { try RankGrid() }
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

  /// A hash that is the same on ranks that can train together: of the network and its division, the
  /// options and the training's state.
  ///
  /// - Throws: `ConvoyError` when the network cannot be encoded.
  public func fingerprint() throws(ConvoyError) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    let division = partition?.report ?? []
    for byte in "\(try network.json()) \(options) \(history.map(\.loss)) \(division)".utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    return hash
  }

  /// Whether all epochs are done, or the accuracy has not risen for `patience` epochs.
  public var isFinished: Bool {
    if history.count >= options.epochs { return true }
    guard let patience = options.patience, let best else { return false }
    return history.count - best.epoch >= patience
  }

  /// Trains one epoch.
  ///
  /// - Parameter progress: called after each step with the number of steps that are done, and the
  ///   step's loss.
  /// - Throws: `ConvoyError` when an image cannot be read, or the loss becomes NaN or infinite.
  public func runEpoch(
    progress: (_ step: Int, _ loss: Float) -> Void = { _, _ in }
  ) throws(ConvoyError) -> EpochRecord {
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

  /// The fraction of held-out images that are classified correctly now. With several ranks, each
  /// evaluates a share of the images.
  private func heldOutAccuracy() throws(ConvoyError) -> Double {
    let images = validationIndices == nil ? data.test : data.training
    let indices = validationIndices ?? Array(0..<images.count)
    guard let rank else { return try evaluate(images, indices: indices).accuracy }
    let own = Collective.share(of: indices.count, rank: rank.rank, of: rank.grid.count)
    // All ranks take part in this exchange, even those without images.
    let model = try model()
    let correct =
      own.isEmpty ? 0 : try evaluate(images, with: model, indices: Array(indices[own])).correct
    var sum = [Float(correct)]
    for axis in RankAxis.allCases { sum = try rank.sum(sum, along: axis) }
    return Double(sum[0]) / Double(indices.count)
  }

  private func run(_ batch: Batch, _ rate: Float) throws(ConvoyError) -> (loss: Float, correct: Int)
  {
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

  /// Evaluates the current network on the test images.
  ///
  /// - Parameter mistakeLimit: the largest number of mistakes in `Evaluation.mistakes`.
  /// - Throws: `ConvoyError` when an image cannot be read.
  public func evaluateTest(mistakeLimit: Int = 0) throws(ConvoyError) -> Evaluation {
    try evaluate(data.test, mistakeLimit: mistakeLimit)
  }

  /// Evaluates the current network on images.
  ///
  /// - Parameters:
  ///   - indices: the images; all by default.
  ///   - mistakeLimit: the largest number of mistakes in `Evaluation.mistakes`.
  /// - Throws: `ConvoyError` when an image cannot be read.
  public func evaluate(
    _ data: any DataSet, indices: [Int]? = nil, mistakeLimit: Int = 0
  ) throws(ConvoyError) -> Evaluation {
    try evaluate(data, with: model(), indices: indices, mistakeLimit: mistakeLimit)
  }

  private func evaluate(
    _ data: any DataSet, with model: Model, indices: [Int]?, mistakeLimit: Int = 0
  ) throws(ConvoyError) -> Evaluation {
    let count = indices?.count ?? data.count
    let classifier = try Classifier(
      model, classNames: data.classNames, normalization: normalization,
      batch: min(64, count), options: compileOptions)
    return try classifier.evaluate(data, indices: indices, mistakeLimit: mistakeLimit)
  }

  /// The network with its current parameters.
  ///
  /// With several ranks, all must call this together.
  public func model() throws(ConvoyError) -> Model {
    var parameters: [String: Tensor] = [:]
    for id in network.parameters {
      let name = network[id].name
      parameters[name] = try whole(name, isTrained: network[id].isTrainable)
    }
    return try Model(network, parameters: parameters)
  }

  /// A variable as a single process has it: concatenated from shares, or the mean of statistics
  /// that ranks keep of their own images.
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

  /// The current state of the training, to save it.
  ///
  /// With several ranks, all must call this together.
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

  /// With early stopping, a random tenth of the training images is held back.
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
