/// The options of a training step.
public struct StepOptions: Hashable, Sendable, Codable {
  /// The optimiser.
  public var optimizer: Optimizer
  /// The weight decay, relative to the learning rate. It does not apply to parameters of one
  /// dimension: biases, and the scale and shift of normalisation.
  public var weightDecay: Float
  /// The fraction of each label's probability that is spread over all classes.
  public var labelSmoothing: Float
  /// The largest norm of all gradients together, to which larger ones are scaled; nil for no limit.
  public var gradientClip: Float?
  /// The number of parts that a step's images are divided into. The network computes one part after
  /// the other and accumulates their gradients: the result is that of a step of all images, except
  /// that batch norms use each part's statistics; the memory is that of one part.
  public var accumulation: Int

  /// The options of a step.
  public init(
    optimizer: Optimizer = .sgd(), weightDecay: Float = 0, labelSmoothing: Float = 0,
    gradientClip: Float? = nil, accumulation: Int = 1
  ) {
    self.optimizer = optimizer
    self.weightDecay = weightDecay
    self.labelSmoothing = labelSmoothing
    self.gradientClip = gradientClip
    self.accumulation = accumulation
  }

  /// Reads options; `accumulation` may be missing, as in older files.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      optimizer: try values.decode(Optimizer.self, forKey: .optimizer),
      weightDecay: try values.decode(Float.self, forKey: .weightDecay),
      labelSmoothing: try values.decode(Float.self, forKey: .labelSmoothing),
      gradientClip: try values.decodeIfPresent(Float.self, forKey: .gradientClip),
      accumulation: try values.decodeIfPresent(Int.self, forKey: .accumulation) ?? 1)
  }
}
