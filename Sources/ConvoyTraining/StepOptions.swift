/// What belongs to a training step besides the network.
public struct StepOptions: Hashable, Sendable, Codable {
  /// How parameters follow their gradients.
  public var optimizer: Optimizer
  /// How much of a weight is taken off at each step, relative to the learning rate. Biases and
  /// normalisation's scale and shift, that is parameters of one dimension, are left alone.
  public var weightDecay: Float
  /// The part of each label that is spread over all classes.
  public var labelSmoothing: Float
  /// The largest norm of all gradients together; longer ones are shortened to it. Nil for none.
  public var gradientClip: Float?
  /// Into how many parts a step's images are cut. The network goes over one after the other and adds up
  /// their gradients: a step of all images, but for batch norms, which see a part's, in the memory of a
  /// part.
  public var accumulation: Int

  /// Describes a step.
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

  /// Reads what `encode(to:)` wrote, also where `accumulation` was not known yet.
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
