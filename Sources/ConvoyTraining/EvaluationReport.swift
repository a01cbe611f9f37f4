public import ConvoyTensors

/// An evaluation as data, for `convoy evaluate --json` and for reports.
public struct EvaluationReport: Hashable, Sendable, Codable {
  /// The results of one class.
  public struct Class: Hashable, Sendable, Codable {
    /// The class's name.
    public var name: String
    /// The number of its images.
    public var count: Int
    /// The fraction of its images that were classified correctly; nil if it has no images.
    public var recall: Double?
    /// The fraction of the images classified as this class that are of it; nil without such images.
    public var precision: Double?
  }

  /// An image that was classified wrongly.
  public struct Mistake: Hashable, Sendable, Codable {
    /// The image's index among the test images.
    public var index: Int
    /// The name of its class.
    public var expected: String
    /// The name of the predicted class.
    public var got: String
    /// The confidence of the prediction: the softmax of its score.
    public var confidence: Double
  }

  /// The data.
  public var data: String
  /// The fraction of images that were classified correctly.
  public var accuracy: Double
  /// The number of images that were classified correctly.
  public var correct: Int
  /// The number of images.
  public var count: Int
  /// The results of each class, in the order of the scores.
  public var classes: [Class]
  /// For each class, how often its images were classified as each class.
  public var confusion: [[Int]]
  /// The most confident mistakes, in order; as many as were kept.
  public var mistakes: [Mistake]

  /// Converts an evaluation.
  ///
  /// - Parameter data: the data's name for people.
  public init(_ evaluation: Evaluation, data: String) {
    let names = evaluation.classNames
    self.data = data
    accuracy = evaluation.accuracy
    correct = evaluation.correct
    count = evaluation.count
    classes = names.enumerated().map { label, name in
      Class(
        name: name, count: evaluation.count(ofClass: label),
        recall: evaluation.recall(ofClass: label),
        precision: evaluation.precision(ofClass: label))
    }
    confusion = evaluation.confusion
    mistakes = evaluation.mistakes.map {
      Mistake(
        index: $0.index, expected: names[$0.expected], got: names[$0.got],
        confidence: $0.confidence)
    }
  }

  /// The classes and counts as a matrix.
  ///
  /// - Throws: `ConvoyError` when the report comes from a file whose counts do not fit its classes.
  public func matrix() throws(ConvoyError) -> ConfusionMatrix {
    try ConfusionMatrix(classNames: classes.map(\.name), counts: confusion)
  }
}
