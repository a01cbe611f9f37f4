public import ConvoyTensors

/// How often the images of each class were classified as each class.
public struct ConfusionMatrix: Hashable, Sendable, Codable {
  /// The classes.
  public let classNames: [String]
  /// For each class, how often its images were classified as each class.
  public private(set) var counts: [[Int]]

  /// A matrix without images.
  public init(classNames: [String]) {
    self.classNames = classNames
    counts = classNames.map { _ in classNames.map { _ in 0 } }
  }

  /// A matrix of given counts.
  ///
  /// - Parameter counts: for each class, how often its images were classified as each class.
  /// - Throws: `ConvoyError` of kind `.format` when there are not as many rows and columns as
  ///   classes, or a count is negative.
  public init(classNames: [String], counts: [[Int]]) throws(ConvoyError) {
    guard counts.count == classNames.count,
      counts.allSatisfy({ $0.count == classNames.count && $0.allSatisfy { $0 >= 0 } })
    else {
      throw ConvoyError(
        .format,
        "A confusion matrix of \(classNames.count) classes should have as many rows, each of as many "
          + "counts from 0; got \(counts.count) rows.")
    }
    self.classNames = classNames
    self.counts = counts
  }

  /// Counts an image.
  ///
  /// - Parameters:
  ///   - label: the image's class.
  ///   - guess: the predicted class.
  /// - Precondition: both are indices into `classNames`.
  public mutating func add(label: Int, guess: Int) { counts[label][guess] += 1 }

  /// The number of images.
  public var count: Int { counts.joined().reduce(0, +) }
  /// The number of images that were classified correctly.
  public var correct: Int { counts.indices.reduce(0) { $0 + counts[$1][$1] } }
  /// The fraction that was classified correctly; 0 without images.
  public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }

  /// The number of images of a class.
  public func count(ofClass label: Int) -> Int { counts[label].reduce(0, +) }

  /// The fraction of a class's images that were classified correctly; nil if it has no images.
  public func recall(ofClass label: Int) -> Double? {
    let all = count(ofClass: label)
    return all == 0 ? nil : Double(counts[label][label]) / Double(all)
  }

  /// The fraction of the images classified as a class that are of it; nil without such images.
  public func precision(ofClass label: Int) -> Double? {
    let all = counts.reduce(0) { $0 + $1[label] }
    return all == 0 ? nil : Double(counts[label][label]) / Double(all)
  }

  /// The class that a class's images were most often mistaken for; nil without mistakes. The first
  /// of several.
  public func mostFrequentMistake(ofClass label: Int) -> Int? {
    let row = counts[label]
    let wrong = row.indices.filter { $0 != label && row[$0] > 0 }
    return wrong.max { (row[$0], $1) < (row[$1], $0) }
  }

  // MARK: Codable

  private enum CodingKeys: CodingKey { case classNames, counts }

  /// Reads a matrix.
  ///
  /// - Throws: `ConvoyError` when there are not as many rows and columns as classes.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      classNames: container.decode([String].self, forKey: .classNames),
      counts: container.decode([[Int]].self, forKey: .counts))
  }
}
