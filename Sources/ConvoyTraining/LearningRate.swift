#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The learning rate: its peak, and its schedule over the training.
public struct LearningRate: Hashable, Sendable, Codable {
  /// The schedule after the warm-up.
  public enum Course: Hashable, Sendable, Codable {
    /// Constant.
    case constant
    /// Multiplied by a factor after every so many epochs.
    case step(every: Int, factor: Float)
    /// From the peak to 0 along half a cosine.
    case cosine
    /// From a 25th of the peak up along a cosine for the first 30 % of the training, then down to a
    /// 10,000th of the initial rate. Source: Smith and Topin, "Super-Convergence", 2018.
    case oneCycle
  }

  /// The highest rate.
  public var peak: Float
  /// The schedule.
  public var course: Course
  /// The epochs, perhaps a fraction, in which the rate rises linearly from 0.
  public var warmUpEpochs: Float

  /// Describes a learning rate.
  public init(_ peak: Float, _ course: Course = .cosine, warmUpEpochs: Float = 0) {
    self.peak = peak
    self.course = course
    self.warmUpEpochs = warmUpEpochs
  }

  /// The rate of a step.
  ///
  /// - Parameters:
  ///   - step: counted from 0 over the whole training.
  ///   - stepsPerEpoch: the number of steps in an epoch.
  ///   - epochs: the number of epochs in the training.
  public func rate(step: Int, stepsPerEpoch: Int, epochs: Int) -> Float {
    let total = Float(max(1, epochs * stepsPerEpoch))
    let warmUp = warmUpEpochs * Float(stepsPerEpoch)
    if Float(step) < warmUp { return peak * (Float(step) + 1) / (warmUp + 1) }
    let progress = min(1, (Float(step) - warmUp) / max(1, total - warmUp))
    switch course {
    case .constant: return peak
    case .step(let every, let factor):
      return peak * pow(factor, Float(step / stepsPerEpoch / max(1, every)))
    case .cosine: return LearningRate.ease(from: peak, to: 0, progress)
    case .oneCycle:
      let start = peak / 25
      return progress < 0.3
        ? LearningRate.ease(from: start, to: peak, progress / 0.3)
        : LearningRate.ease(from: peak, to: start / 10_000, (progress - 0.3) / 0.7)
    }
  }

  private static func ease(from start: Float, to end: Float, _ progress: Float) -> Float {
    end + (start - end) * (1 + cos(Float.pi * progress)) / 2
  }
}
