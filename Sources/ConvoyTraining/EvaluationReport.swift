public import ConvoyTensors

/// An examination as data: what `convoy evaluate --json` prints, and what a report is drawn from.
public struct EvaluationReport: Hashable, Sendable, Codable {
  /// How a class fared.
  public struct Class: Hashable, Sendable, Codable {
    /// Its name.
    public var name: String
    /// How many images of it there are.
    public var count: Int
    /// The part of them that was recognised, the class's accuracy; nil if it has none.
    public var recall: Double?
    /// The part of the images taken for it that are of it; nil if none was.
    public var precision: Double?
  }

  /// An image that was taken for another class.
  public struct Mistake: Hashable, Sendable, Codable {
    /// Its index in the data set's test part.
    public var index: Int
    /// The name of the class it is of.
    public var expected: String
    /// The name of the class it was taken for.
    public var got: String
    /// How sure the network was: the softmax of its scores, from 0 to 1.
    public var confidence: Double
  }

  /// What was examined on.
  public var data: String
  /// The part of the images that was recognised.
  public var accuracy: Double
  /// How many were.
  public var correct: Int
  /// How many images there were.
  public var count: Int
  /// How each class fared, in the order of the scores.
  public var classes: [Class]
  /// For each class, how often its images were taken for each.
  public var confusion: [[Int]]
  /// The mistakes the network was surest of, the surest first; as many as were kept.
  public var mistakes: [Mistake]

  /// Describes an evaluation.
  ///
  /// - Parameter data: what was examined on, as a person would name it.
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
  /// - Throws: `ConvoyError` when the report was read from a file in which they do not fit.
  public func matrix() throws(ConvoyError) -> ConfusionMatrix {
    try ConfusionMatrix(classNames: classes.map(\.name), counts: confusion)
  }
}
