/// The results of a classifier on a data set.
public struct Evaluation: Hashable, Sendable {
  /// How often the images of each class were classified as each class.
  public private(set) var matrix: ConfusionMatrix
  /// The images that were classified wrongly, the most confident mistakes first; of equal
  /// confidence, the earlier image first.
  public private(set) var mistakes: [Mistake] = []
  /// The largest number of mistakes that are kept.
  public let mistakeLimit: Int

  /// An image that was classified wrongly.
  public struct Mistake: Hashable, Sendable, Codable {
    /// The image's index in the data set.
    public var index: Int
    /// The image's class, as an index into the names of classes.
    public var expected: Int
    /// The predicted class.
    public var got: Int
    /// The confidence of the prediction: the softmax of its score.
    public var confidence: Double

    /// Describes a mistake.
    public init(index: Int, expected: Int, got: Int, confidence: Double) {
      self.index = index
      self.expected = expected
      self.got = got
      self.confidence = confidence
    }
  }

  /// An evaluation without images.
  public init(classNames: [String], mistakeLimit: Int = 0) {
    matrix = ConfusionMatrix(classNames: classNames)
    self.mistakeLimit = mistakeLimit
  }

  /// Counts an image.
  ///
  /// - Parameters:
  ///   - index: the image's index in the data set.
  ///   - label: the image's class.
  ///   - scores: the network's scores, one for each class.
  public mutating func add(index: Int, label: Int, scores: some Collection<Float>) {
    let scores = Array(scores)
    let guess = scores.indexOfLargest
    matrix.add(label: label, guess: guess)
    guard guess != label, mistakeLimit > 0 else { return }
    let mistake = Mistake(
      index: index, expected: label, got: guess, confidence: scores.softmax[guess])
    let place = mistakes.firstIndex { $0.isBefore(mistake) == false } ?? mistakes.count
    mistakes.insert(mistake, at: place)
    if mistakes.count > mistakeLimit { mistakes.removeLast() }
  }

  // MARK: Results

  /// The names of classes.
  public var classNames: [String] { matrix.classNames }
  /// For each class, how often its images were classified as each class.
  public var confusion: [[Int]] { matrix.counts }
  /// The number of images.
  public var count: Int { matrix.count }
  /// The number of images that were classified correctly.
  public var correct: Int { matrix.correct }
  /// The fraction that was classified correctly.
  public var accuracy: Double { matrix.accuracy }
  /// The number of images of a class.
  public func count(ofClass label: Int) -> Int { matrix.count(ofClass: label) }
  /// The fraction of a class's images that were classified correctly; nil if it has no images.
  public func recall(ofClass label: Int) -> Double? { matrix.recall(ofClass: label) }
  /// The fraction of the images classified as a class that are of it; nil without such images.
  public func precision(ofClass label: Int) -> Double? { matrix.precision(ofClass: label) }
}

extension Evaluation.Mistake {
  /// Whether it comes before another: of higher confidence, or of the same and earlier.
  fileprivate func isBefore(_ other: Self) -> Bool {
    (confidence, other.index) > (other.confidence, index)
  }
}

extension Collection<Float> where Index == Int {
  /// The offset of the largest element; of several, the first.
  var indexOfLargest: Int {
    (indices.max { self[$0] < self[$1] || self[$0] == self[$1] && $0 > $1 } ?? startIndex)
      - startIndex
  }
}
