/// The options of a training, other than the network and the data.
public struct TrainingOptions: Hashable, Sendable, Codable {
  /// The number of epochs.
  public var epochs: Int
  /// Images in a step.
  public var batch: Int
  /// The optimiser and the other options of a step.
  public var step: StepOptions
  /// The learning rate and its schedule.
  public var rate: LearningRate
  /// The augmentation of images.
  public var augmentation: Augmentation
  /// The seed of initial parameters, order, augmentation and dropout.
  public var seed: UInt64
  /// The epochs without a better accuracy after which training ends early. The accuracy is that of
  /// a tenth of the training images, which is held back. Nil to train all epochs on all images.
  public var patience: Int?

  /// The options of a training; the defaults suit small images and networks.
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

/// The results of one epoch.
public struct EpochRecord: Hashable, Sendable, Codable {
  /// The epoch, from 1.
  public var epoch: Int
  /// The mean loss of its steps.
  public var loss: Double
  /// The fraction of training images that were classified correctly in their step, before its
  /// update.
  public var trainingAccuracy: Double
  /// The fraction of held-out images that were classified correctly after it: of the validation
  /// images with early stopping, otherwise of the test images.
  public var heldOutAccuracy: Double
  /// The learning rate of its last step.
  public var rate: Float
  /// The epoch's time in seconds.
  public var seconds: Double
}

extension [EpochRecord] {
  /// The records as comma-separated values with a header.
  public var csv: String {
    let rows = map {
      "\($0.epoch),\($0.loss),\($0.trainingAccuracy),\($0.heldOutAccuracy),\($0.rate),\($0.seconds)"
    }
    let names = "epoch,loss,trainingAccuracy,heldOutAccuracy,rate,seconds"
    return ([names] + rows).joined(separator: "\n") + "\n"
  }
}
