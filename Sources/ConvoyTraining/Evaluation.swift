/// How well a data set was recognised.
public struct Evaluation: Hashable, Sendable {
  /// How often the images of each class were taken for each.
  public private(set) var matrix: ConfusionMatrix
  /// The images that were taken for another class: those the network was surest of, the surest first; of
  /// equally sure ones the earlier first.
  public private(set) var mistakes: [Mistake] = []
  /// How many mistakes are kept at most.
  public let mistakeLimit: Int

  /// An image that was taken for another class.
  public struct Mistake: Hashable, Sendable, Codable {
    /// Its index in the data set.
    public var index: Int
    /// The class it is of, an index into the classes' names.
    public var expected: Int
    /// The class it was taken for.
    public var got: Int
    /// How sure the network was of that: the softmax of its scores, from 0 to 1.
    public var confidence: Double

    /// Describes a mistake.
    public init(index: Int, expected: Int, got: Int, confidence: Double) {
      self.index = index
      self.expected = expected
      self.got = got
      self.confidence = confidence
    }
  }

  /// Begins an evaluation, of no images yet.
  public init(classNames: [String], mistakeLimit: Int = 0) {
    matrix = ConfusionMatrix(classNames: classNames)
    self.mistakeLimit = mistakeLimit
  }

  /// Counts an image.
  ///
  /// - Parameters:
  ///   - index: its place in the data set.
  ///   - label: the class it is of.
  ///   - scores: the network's scores for it, a class each.
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

  /// The classes.
  public var classNames: [String] { matrix.classNames }
  /// For each class, how often its images were taken for each class.
  public var confusion: [[Int]] { matrix.counts }
  /// How many images.
  public var count: Int { matrix.count }
  /// How many were recognised.
  public var correct: Int { matrix.correct }
  /// The part that was recognised.
  public var accuracy: Double { matrix.accuracy }
  /// How many images of a class there are.
  public func count(ofClass label: Int) -> Int { matrix.count(ofClass: label) }
  /// The part of a class's images that were recognised; nil if it has none.
  public func recall(ofClass label: Int) -> Double? { matrix.recall(ofClass: label) }
  /// The part of the images taken for a class that are of it; nil if none was.
  public func precision(ofClass label: Int) -> Double? { matrix.precision(ofClass: label) }
}

extension Evaluation.Mistake {
  /// Whether it stands before another: surer, or as sure and earlier.
  fileprivate func isBefore(_ other: Self) -> Bool {
    (confidence, other.index) > (other.confidence, index)
  }
}

extension Collection<Float> where Index == Int {
  /// How far the largest element is from the first; the first of several.
  var indexOfLargest: Int {
    (indices.max { self[$0] < self[$1] || self[$0] == self[$1] && $0 > $1 } ?? startIndex)
      - startIndex
  }
}
