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

/// A compiled network that classifies images.
public struct Classifier: Sendable {
  /// A class with its probability.
  public struct Guess: Hashable, Sendable {
    /// The class, as an index into `classNames`.
    public let label: Int
    /// The class's name.
    public let name: String
    /// The softmax of the scores, which sums to 1 over all classes.
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
  /// - Parameter batch: the number of images in a run.
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

  /// The most probable classes of an image, the most probable first.
  ///
  /// The image is converted to the network's number of channels, resized so that its shorter side
  /// is the network's, and cropped at the centre.
  ///
  /// - Parameter count: the number of classes.
  public func classify(_ image: Image, top count: Int = 1) throws(ConvoyError) -> [Guess] {
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
    let scores = Array(try plan(padded).elements.prefix(classNames.count))
    let probabilities = scores.softmax
    let order = scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }
    return order.prefix(max(0, count)).map {
      Guess(label: $0, name: classNames[$0], probability: probabilities[$0])
    }
  }

  /// Classifies the images of a data set.
  ///
  /// - Parameters:
  ///   - indices: the images; all by default.
  ///   - mistakeLimit: the largest number of mistakes in `Evaluation.mistakes`.
  ///   - progress: called after each batch with the number of images that are done.
  /// - Throws: `ConvoyError` when the images or classes are not the network's, or cannot be read.
  public func evaluate(
    _ data: any DataSet, indices: [Int]? = nil, mistakeLimit: Int = 0,
    progress: (Int) -> Void = { _ in }
  ) throws(ConvoyError) -> Evaluation {
    try requireFit(data)
    let indices = indices ?? Array(0..<data.count)
    var evaluation = Evaluation(classNames: classNames, mistakeLimit: mistakeLimit)
    for start in stride(from: 0, to: indices.count, by: batch) {
      let some = indices[start..<min(start + batch, indices.count)]
      // The last batch is filled with images that are not counted.
      let filled = Array(some) + Array(repeating: some[start], count: batch - some.count)
      let made = try Batch(data, filled, normalization)
      let scores = try plan(made.images).elements
      for (position, index) in some.enumerated() {
        let row = scores[position * classNames.count..<(position + 1) * classNames.count]
        evaluation.add(index: index, label: data.label(at: index), scores: row)
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

extension [Float] {
  /// The softmax: the scores' exponentials divided by their sum.
  package var softmax: [Double] {
    let largest = Double(self.max() ?? 0)
    let powers = map { exp(Double($0) - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
