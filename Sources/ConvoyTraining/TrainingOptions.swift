/// Everything that decides how a training goes, besides the network and the data.
public struct TrainingOptions: Hashable, Sendable, Codable {
  /// How often each image is seen.
  public var epochs: Int
  /// How many images a step sees.
  public var batch: Int
  /// The optimiser, and what belongs to its step.
  public var step: StepOptions
  /// How far steps go.
  public var rate: LearningRate
  /// How images are changed.
  public var augmentation: Augmentation
  /// What initial parameters, order, augmentation and dropout derive from.
  public var seed: UInt64
  /// Training ends early after so many epochs without a better accuracy on a tenth of the training
  /// images that is then held back for this. Nil to train all epochs on all images.
  public var patience: Int?

  /// Describes a training; the defaults suit small images and networks.
  public init(
    epochs: Int = 30, batch: Int = 64, step: StepOptions = StepOptions(weightDecay: 5e-4),
    rate: LearningRate = LearningRate(0.05, .cosine, warmUpEpochs: 1),
    augmentation: Augmentation = .none, seed: UInt64 = 1, patience: Int? = nil
  ) {
    self.epochs = epochs
    self.batch = batch
    self.step = step
    self.rate = rate
    self.augmentation = augmentation
    self.seed = seed
    self.patience = patience
  }
}

/// What one epoch came to.
public struct EpochRecord: Hashable, Sendable, Codable {
  /// Which epoch, from 1.
  public var epoch: Int
  /// The mean of its steps' losses.
  public var loss: Double
  /// The part of training images that were recognised in their step, before it changed the network.
  public var trainingAccuracy: Double
  /// The part of held-out images recognised after it: of the validation part when training may end
  /// early, else of the test part.
  public var heldOutAccuracy: Double
  /// The learning rate of its last step.
  public var rate: Float
  /// How long it took.
  public var seconds: Double
}

extension [EpochRecord] {
  /// The records as comma-separated values, with a line of names.
  public var csv: String {
    let rows = map {
      "\($0.epoch),\($0.loss),\($0.trainingAccuracy),\($0.heldOutAccuracy),\($0.rate),\($0.seconds)"
    }
    let names = "epoch,loss,trainingAccuracy,heldOutAccuracy,rate,seconds"
    return ([names] + rows).joined(separator: "\n") + "\n"
  }
}
