import ArgumentParser
import Convoy

/// The options that decide how a training goes. What is not given is what `TrainingOptions` says, or,
/// when resuming, what the training began with.
struct TrainingArguments: ParsableArguments {
  @Option(help: ArgumentHelp("How often each image is seen.", valueName: "number"))
  var epochs: Int?

  @Option(help: ArgumentHelp("Images in a step.", valueName: "number"))
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "Decides on initial weights, order, augmentation and dropout.", valueName: "number"))
  var seed: UInt64?

  @Option(help: ArgumentHelp("The highest learning rate.", valueName: "number"))
  var rate: Float?

  @Option(
    help: ArgumentHelp(
      """
      The batch that the rate is for: with larger ones it grows in proportion. A warm-up then helps.
      """, valueName: "images"))
  var rateBatch: Int?

  @Option(help: "How the rate changes: constant, step, cosine or one-cycle.")
  var schedule: Schedule?

  @Option(help: ArgumentHelp("Epochs over which the rate first rises.", valueName: "number"))
  var warmUp: Float?

  @Option(help: "The optimiser: sgd, nesterov, adamw or rmsprop.")
  var optimizer: OptimizerName?

  @Option(help: ArgumentHelp("The weight decay.", valueName: "number"))
  var weightDecay: Float?

  @Option(help: ArgumentHelp("The part of labels spread over all classes.", valueName: "part"))
  var labelSmoothing: Float?

  @Option(help: ArgumentHelp("The largest norm of the gradient.", valueName: "number"))
  var clip: Float?

  @Option(
    help: ArgumentHelp(
      """
      Cut the images of a step into so many parts and add up their gradients: large batches in the \
      memory of small ones.
      """, valueName: "parts"))
  var accumulate: Int?

  @Flag(inversion: .prefixedNo, help: "Mirror half of the images left to right.")
  var flip: Bool?

  @Option(
    help: ArgumentHelp("Pad images by so much and crop at random.", valueName: "pixels"))
  var crop: Int?

  @Option(
    help: ArgumentHelp("Vary brightness, contrast and saturation.", valueName: "part"))
  var jitter: Float?

  @Option(
    help: ArgumentHelp(
      "End after so many epochs without progress on a tenth of the training images, held back.",
      valueName: "epochs"))
  var patience: Int?

  enum Schedule: String, ExpressibleByArgument, CaseIterable {
    case constant, step, cosine
    case oneCycle = "one-cycle"

    func course(epochs: Int) -> LearningRate.Course {
      switch self {
      case .constant: .constant
      case .step: .step(every: max(1, epochs / 3), factor: 0.1)
      case .cosine: .cosine
      case .oneCycle: .oneCycle
      }
    }
  }

  enum OptimizerName: String, ExpressibleByArgument, CaseIterable {
    case sgd, nesterov, adamw, rmsprop

    var optimizer: Optimizer {
      switch self {
      case .sgd: .sgd()
      case .nesterov: .sgd(isNesterov: true)
      case .adamw: .adamW()
      case .rmsprop: .rmsProp()
      }
    }

    /// A rate that suits most networks, where none is given.
    var usualRate: Float {
      switch self {
      case .sgd, .nesterov: 0.05
      case .adamw, .rmsprop: 0.001
      }
    }
  }

  func validate() throws {
    func require(_ holds: Bool, _ expected: String, _ got: (some Any)?) throws(ValidationError) {
      if let got, !holds { throw ValidationError("Expected \(expected), got \(got).") }
    }
    try require(epochs ?? 1 >= 1, "at least 1 in --epochs", epochs)
    try require(batch ?? 1 >= 1, "at least 1 in --batch", batch)
    try require(rate.map { $0 > 0 && $0.isFinite } ?? true, "a number above 0 in --rate", rate)
    try require(rateBatch ?? 1 >= 1, "at least 1 in --rate-batch", rateBatch)
    try require(
      warmUp.map { $0 >= 0 && $0.isFinite } ?? true, "a number from 0 in --warm-up", warmUp)
    try require(
      weightDecay.map { $0 >= 0 && $0.isFinite } ?? true, "a number from 0 in --weight-decay",
      weightDecay)
    try require(
      labelSmoothing.map { (0..<1).contains($0) } ?? true,
      "a part from 0 and below 1 in --label-smoothing", labelSmoothing)
    try require(clip.map { $0 > 0 } ?? true, "a number above 0 in --clip", clip)
    try require(
      (1...65536).contains(accumulate ?? 1), "1 to 65536 parts in --accumulate", accumulate)
    try require((0...1024).contains(crop ?? 0), "pixels from 0 to 1024 in --crop", crop)
    try require(
      jitter.map { (0...1).contains($0) } ?? true, "a part from 0 to 1 in --jitter", jitter)
    try require(patience ?? 1 >= 1, "at least 1 in --patience", patience)
  }

  /// These options in place of others.
  func applied(to base: TrainingOptions) -> TrainingOptions {
    var options = base
    if let epochs { options.epochs = epochs }
    if let batch { options.batch = batch }
    if let seed { options.seed = seed }
    if let optimizer {
      options.step.optimizer = optimizer.optimizer
      options.rate.peak = optimizer.usualRate
    }
    if let rate { options.rate.peak = rate }
    // Source: P. Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017.
    if let rateBatch { options.rate.peak *= Float(options.batch) / Float(rateBatch) }
    if let schedule { options.rate.course = schedule.course(epochs: options.epochs) }
    if let warmUp { options.rate.warmUpEpochs = warmUp }
    if let weightDecay { options.step.weightDecay = weightDecay }
    if let labelSmoothing { options.step.labelSmoothing = labelSmoothing }
    if let clip { options.step.gradientClip = clip }
    if let accumulate { options.step.accumulation = accumulate }
    if let flip { options.augmentation.flips = flip }
    if let crop { options.augmentation.cropPadding = crop }
    if let jitter { options.augmentation.colorJitter = jitter }
    if let patience { options.patience = patience }
    return options
  }
}

/// The number of threads, as an option of every subcommand that computes.
struct ThreadArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("Threads to compute with; all processors by default.", valueName: "number"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("Expected from 1 to 1024 in --threads, got \(threads).")
    }
  }

  var options: CompileOptions {
    threads.map { CompileOptions(pool: ThreadPool(threadCount: $0)) } ?? CompileOptions()
  }
}
