public import ConvoyEngine
public import ConvoyFormats
import ConvoyGraphs
public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A trained network, compiled, with what is needed to give it images and to read its scores.
public struct Classifier: Sendable {
  /// A class and how sure the network is of it.
  public struct Guess: Hashable, Sendable {
    /// The class, an index into `classNames`.
    public let label: Int
    /// The class's name.
    public let name: String
    /// The softmax of the scores: from 0 to 1, over all classes 1.
    public let probability: Double
  }

  /// The classes, in the order of the scores.
  public let classNames: [String]
  /// The shape of an image: channels × height × width.
  public let imageShape: Shape

  private let plan: Plan
  private let batch: Int
  private let normalization: Normalization

  /// Compiles a checkpoint's network.
  ///
  /// - Parameter batch: how many images are scored at once.
  /// - Throws: `ConvoyError` when the machine has too little memory.
  public init(
    _ checkpoint: Checkpoint, batch: Int = 1, options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) {
    try self.init(
      checkpoint.model, classNames: checkpoint.classNames, normalization: checkpoint.normalization,
      batch: batch, options: options)
  }

  init(
    _ model: Model, classNames: [String], normalization: Normalization, batch: Int,
    options: CompileOptions
  ) throws(ConvoyError) {
    plan = try model.compiled(batch: batch, options: options)
    imageShape = Shape(model.graph[model.graph.inputs[0]].shape.dimensions.dropFirst())
    self.classNames = classNames
    self.normalization = normalization
    self.batch = batch
  }

  /// The classes an image most likely shows, the likeliest first.
  ///
  /// The image is brought to the network's number of channels; its shorter side is resized to the
  /// network's, and what sticks out is cut off evenly.
  ///
  /// - Parameter count: how many classes.
  public func classify(_ image: Image, top count: Int = 1) throws -> [Guess] {
    let fitted = try image.converted(toChannels: imageShape[0])
      .fitted(width: imageShape[2], height: imageShape[1])
    let tensor = try fitted.tensor(mean: normalization.mean, deviation: normalization.deviation)
    let padded = Tensor(uninitialized: Shape([batch] + imageShape.dimensions)) { buffer in
      for position in 0..<batch {
        let start = position * imageShape.elementCount
        _ = UnsafeMutableBufferPointer(rebasing: buffer[start..<start + imageShape.elementCount])
          .initialize(from: tensor.elements)
      }
    }
    let scores = try plan(padded).elements.prefix(classNames.count).map(Double.init)
    let largest = scores.max() ?? 0
    let powers = scores.map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    let order = scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }
    return order.prefix(max(0, count)).map {
      Guess(label: $0, name: classNames[$0], probability: powers[$0] / sum)
    }
  }

  /// Classifies the images of a data set.
  ///
  /// - Parameters:
  ///   - indices: which images; all, unless given.
  ///   - progress: called after each batch with how many images are done.
  /// - Throws: `ConvoyError` when the images or classes are not the network's, or cannot be read.
  public func evaluate(
    _ data: any DataSet, indices: [Int]? = nil, progress: (Int) -> Void = { _ in }
  ) throws -> Evaluation {
    try requireFit(data)
    let indices = indices ?? Array(0..<data.count)
    var evaluation = Evaluation(classNames: classNames)
    for start in stride(from: 0, to: indices.count, by: batch) {
      let some = indices[start..<min(start + batch, indices.count)]
      // The last batch is filled up with images that are not counted.
      let filled = Array(some) + Array(repeating: some[start], count: batch - some.count)
      let made = try Batch(data, filled, normalization)
      let scores = try plan(made.images).elements
      for (position, index) in some.enumerated() {
        let row = scores[position * classNames.count..<(position + 1) * classNames.count]
        evaluation.add(label: data.label(at: index), guess: row.indexOfLargest)
      }
      progress(start + some.count)
    }
    return evaluation
  }

  private func requireFit(_ data: any DataSet) throws(ConvoyError) {
    guard data.imageShape == imageShape else {
      throw ConvoyError(
        .shape,
        "The network takes images of \(imageShape), but those of \(data.name) are "
          + "\(data.imageShape).")
    }
    guard data.classNames.count == classNames.count else {
      throw ConvoyError(
        .argument,
        "The network knows \(classNames.count) classes, but \(data.name) has "
          + "\(data.classNames.count).")
    }
  }
}

/// How well a data set was recognised.
public struct Evaluation: Hashable, Sendable {
  /// The classes.
  public let classNames: [String]
  /// For each class, how often its images were taken for each class.
  public private(set) var confusion: [[Int]]

  init(classNames: [String]) {
    self.classNames = classNames
    confusion = classNames.map { _ in classNames.map { _ in 0 } }
  }

  mutating func add(label: Int, guess: Int) { confusion[label][guess] += 1 }

  /// How many images.
  public var count: Int { confusion.joined().reduce(0, +) }
  /// How many were recognised.
  public var correct: Int { confusion.indices.reduce(0) { $0 + confusion[$1][$1] } }
  /// The part that was recognised.
  public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }

  /// How many images of a class there are.
  public func count(ofClass label: Int) -> Int { confusion[label].reduce(0, +) }

  /// The part of a class's images that were recognised; nil if it has none.
  public func recall(ofClass label: Int) -> Double? {
    let all = count(ofClass: label)
    return all == 0 ? nil : Double(confusion[label][label]) / Double(all)
  }

  /// The part of the images taken for a class that are of it; nil if none was.
  public func precision(ofClass label: Int) -> Double? {
    let all = confusion.reduce(0) { $0 + $1[label] }
    return all == 0 ? nil : Double(confusion[label][label]) / Double(all)
  }
}

extension Collection<Float> where Index == Int {
  /// How far the largest element is from the first; the first of several.
  var indexOfLargest: Int {
    (indices.max { self[$0] < self[$1] || self[$0] == self[$1] && $0 > $1 } ?? startIndex)
      - startIndex
  }
}
