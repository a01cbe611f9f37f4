public import ConvoyTensors

/// How often the images of each class were taken for each class.
public struct ConfusionMatrix: Hashable, Sendable, Codable {
  /// The classes.
  public let classNames: [String]
  /// For each class, how often its images were taken for each class.
  public private(set) var counts: [[Int]]

  /// Makes a matrix in which nothing is counted yet.
  public init(classNames: [String]) {
    self.classNames = classNames
    counts = classNames.map { _ in classNames.map { _ in 0 } }
  }

  /// Takes counts that were made elsewhere.
  ///
  /// - Parameter counts: for each class, how often its images were taken for each.
  /// - Throws: `ConvoyError` of kind `.format` when there are not as many rows and columns as classes, or
  ///   a count is below 0.
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
  ///   - label: the class it is of.
  ///   - guess: the class it was taken for.
  /// - Precondition: both are indices into `classNames`.
  public mutating func add(label: Int, guess: Int) { counts[label][guess] += 1 }

  /// How many images.
  public var count: Int { counts.joined().reduce(0, +) }
  /// How many were recognised.
  public var correct: Int { counts.indices.reduce(0) { $0 + counts[$1][$1] } }
  /// The part that was recognised; 0 of no images.
  public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }

  /// How many images of a class there are.
  public func count(ofClass label: Int) -> Int { counts[label].reduce(0, +) }

  /// The part of a class's images that were recognised, which is the class's accuracy; nil if it has
  /// none.
  public func recall(ofClass label: Int) -> Double? {
    let all = count(ofClass: label)
    return all == 0 ? nil : Double(counts[label][label]) / Double(all)
  }

  /// The part of the images taken for a class that are of it; nil if none was.
  public func precision(ofClass label: Int) -> Double? {
    let all = counts.reduce(0) { $0 + $1[label] }
    return all == 0 ? nil : Double(counts[label][label]) / Double(all)
  }

  /// The class that a class's images were most often wrongly taken for; nil if they never were. The first
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
  /// - Throws: `ConvoyError` when it is not one of as many rows and columns as classes.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      classNames: container.decode([String].self, forKey: .classNames),
      counts: container.decode([[Int]].self, forKey: .counts))
  }
}
