public import ConvoyEngine
public import ConvoyFormats
public import ConvoyGraphs
public import ConvoyTensors
public import ConvoyTraining
import ConvoyZoo

/// Short trainings of small networks, whose losses must not depend on how ranks share the work: for tests
/// with threads as well as with processes.

/// Random images of a few classes, which differ in the means of their channels.
public struct RandomImages: DataSet {
  /// See `DataSet.name`.
  public let name = "random"
  /// See `DataSet.classNames`.
  public let classNames = (0..<4).map { "class \($0)" }
  /// See `DataSet.imageShape`.
  public let imageShape: Shape
  /// See `DataSet.count`.
  public let count: Int
  let seed: UInt64
  /// How much lighter each class is than the one before.
  let contrast: Float

  /// Describes the images.
  public init(imageShape: Shape, count: Int, seed: UInt64, contrast: Float = 0.1) {
    self.imageShape = imageShape
    self.count = count
    self.seed = seed
    self.contrast = contrast
  }

  /// See `DataSet.label(at:)`.
  public func label(at index: Int) -> Int { index % classNames.count }

  /// See `DataSet.copyImage(at:into:)`.
  public func copyImage(
    at index: Int, into buffer: UnsafeMutableBufferPointer<Float>
  ) throws(ConvoyError) {
    var random = Random(seed: seed, stream: UInt64(index))
    let shift = contrast * Float(label(at: index))
    for place in buffer.indices { buffer[place] = 0.6 * random.uniform() + shift }
  }
}

/// Networks of the kinds that are trained over ranks.
public enum SmallNetwork: String, CaseIterable, Sendable {
  /// Four towers, joined in some layers; dropout; no batch norms.
  case alexNet
  /// Grouped pointwise convolutions, shuffles between them, depthwise convolutions.
  case shuffleNet
  /// Bottlenecks of grouped 3×3 convolutions, added to what they were made of.
  case resNeXt

  /// The network, with random parameters.
  public func network() throws -> Network {
    switch self {
    case .alexNet: try Zoo.network("zoo:alexnet-small?groups=4&channels=3&size=12&classes=4")
    case .shuffleNet: try Self.shuffleNet()
    case .resNeXt: try Self.resNeXt()
    }
  }

  /// How much classes differ. Without batch norms a network would soon make no more mistakes where they
  /// differ much, and then losses are all rounding.
  public var contrast: Float { self == .alexNet ? 0.02 : 0.1 }

  private static func shuffleNet() throws -> Network {
    try Network(input: [3, 16, 16]) { image in
      var maps = image.convolution(16, kernel: 3, padding: 1, bias: false).batchNormalization()
        .relu()
      for index in 0..<2 {
        let branch = maps.convolution(16, kernel: 1, groups: 4, bias: false).batchNormalization()
          .relu()
          .channelShuffle(groups: 4)
          .convolution(
            16, kernel: 3, stride: index == 0 ? 2 : 1, padding: 1, groups: 16, bias: false
          ).batchNormalization()
          .convolution(16, kernel: 1, groups: 4, bias: false).batchNormalization()
        maps =
          index == 0
          ? concatenate([maps.averagePooling(3, stride: 2, padding: 1), branch])
            .convolution(16, kernel: 1, groups: 4, bias: false).batchNormalization().relu()
          : (branch + maps).relu()
      }
      return maps.globalAveragePooling().flattened().linear(4)
    }
  }

  private static func resNeXt() throws -> Network {
    try Network(input: [3, 12, 12]) { image in
      var maps = image.convolution(32, kernel: 3, padding: 1, bias: false).batchNormalization()
        .relu()
      for index in 0..<2 {
        let stride = index + 1
        let branch = maps.convolution(16, kernel: 1, bias: false).batchNormalization().relu()
          .convolution(16, kernel: 3, stride: stride, padding: 1, groups: 4, bias: false)
          .batchNormalization().relu()
          .convolution(32, kernel: 1, bias: false).batchNormalization()
        let shortcut =
          index == 0
          ? maps
          : maps.convolution(32, kernel: 1, stride: 2, bias: false).batchNormalization()
        maps = (branch + shortcut).relu()
      }
      return maps.globalAveragePooling().flattened().linear(4)
    }
  }
}

/// What a training came to.
public struct Course: Sendable {
  /// Of each step.
  public var losses: [Float]
  /// On the test part, at the end.
  public var accuracy: Double
  /// At the end.
  public var parameters: [String: Tensor]

  /// The largest relative difference of a step's loss from another course's.
  public func difference(from other: Course) -> Float {
    guard losses.count == other.losses.count else { return .infinity }
    return zip(losses, other.losses).map { abs($0 / $1 - 1) }.max() ?? .infinity
  }
}

/// Trains for fifty steps of a batch of 8, as one rank or, if nil, alone.
///
/// Winograd's form is off: whether it pays depends on the share of a batch, and its rounding differs. The
/// rate is small: with a large one a rounding error in the seventh digit turns a maximum or a ReLU about,
/// sooner or later, and trainings part.
public func train(
  _ network: Network, contrast: Float, step: StepOptions = StepOptions(weightDecay: 5e-4),
  as rank: TrainingRank?, on pool: ThreadPool
) throws -> Course {
  let shape = Shape(network.graph[network.graph.inputs[0]].shape.dimensions.dropFirst())
  let data = DataSplits(
    training: RandomImages(imageShape: shape, count: 80, seed: 1, contrast: contrast),
    test: RandomImages(imageShape: shape, count: 32, seed: 2, contrast: contrast))
  var options = CompileOptions(pool: pool)
  options.usesWinograd = false
  let trainer = try Trainer(
    network, data: data,
    options: TrainingOptions(
      epochs: 5, batch: 8, step: step, rate: LearningRate(0.002, .constant)),
    compileOptions: options, rank: rank)
  var losses: [Float] = []
  while !trainer.isFinished { _ = try trainer.runEpoch { losses.append($1) } }
  return Course(
    losses: losses, accuracy: try trainer.evaluateTest().accuracy,
    parameters: try trainer.checkpoint().model.parameters)
}
