public import ConvoyTensors

/// Labelled images of one size, read by index.
///
/// The same index gives the same image every time, on any thread; shuffling and augmentation belong
/// to whoever trains.
public protocol DataSet: Sendable {
  /// What the data is called: "digits", "cifar-10" …
  var name: String { get }

  /// The names of the classes, by label.
  var classNames: [String] { get }

  /// The shape of an image, channels × height × width.
  var imageShape: Shape { get }

  /// The number of images, at least 1.
  var count: Int { get }

  /// The class of an image, an index into `classNames`.
  ///
  /// - Precondition: the index lies in 0 ..< `count`.
  func label(at index: Int) -> Int

  /// Writes an image as floats in 0…1, channel by channel, row by row.
  ///
  /// - Parameters:
  ///   - index: which image, 0 ..< `count`.
  ///   - buffer: memory for as many floats as `imageShape` has elements.
  /// - Throws: `ConvoyError` when the image comes from a file that cannot be read or is damaged.
  func copyImage(at index: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws(ConvoyError)
}

extension DataSet {
  /// An image as a network's input, of shape `[1, channels, height, width]`, its values in 0…1.
  ///
  /// - Throws: `ConvoyError` when the image comes from a file that cannot be read or is damaged.
  public func image(at index: Int) throws(ConvoyError) -> Tensor {
    try Tensor(uninitialized: Shape([1] + imageShape.dimensions)) { (buffer) throws(ConvoyError) in
      try copyImage(at: index, into: buffer)
    }
  }
}

/// What to learn from, and what to be examined on: two parts of one data set that share no image.
public struct DataSplits: Sendable {
  /// The part to learn from.
  public let training: any DataSet

  /// The part to be examined on.
  public let test: any DataSet

  /// What was taken from a folder, and what was left there; nil for data that is in no folder.
  public let contents: FolderContents?

  /// Pairs two parts.
  ///
  /// - Precondition: both have the same classes and the same size of image.
  public init(
    training: any DataSet, test: any DataSet, contents: FolderContents? = nil
  ) {
    precondition(
      training.classNames == test.classNames && training.imageShape == test.imageShape,
      "The parts of a data set must have the same classes and the same size of image.")
    self.training = training
    self.test = test
    self.contents = contents
  }

  /// Both parts, put through a function.
  func map(_ transform: (any DataSet) -> any DataSet) -> DataSplits {
    DataSplits(
      training: transform(training), test: transform(test), contents: contents)
  }
}

/// The average and the spread of a data set's brightness, a number a channel: what makes its images
/// zero on average and of unit variance.
public struct ChannelStatistics: Hashable, Sendable {
  /// The mean of each channel, in 0…1.
  public let mean: [Float]

  /// The standard deviation of each channel; 1 for a channel that never changes, so that one can
  /// divide by it.
  public let deviation: [Float]

  /// Measures a data set on some of its images, taken at equal distances from the first to the last.
  ///
  /// The sums are taken in `Double` and in order: the same data gives the same bits.
  ///
  /// - Parameters:
  ///   - dataSet: the images, usually the training part alone.
  ///   - samples: the most images to read, at least 1.
  /// - Throws: `ConvoyError` when an image cannot be read.
  /// - Complexity: O(*n*) in the number of pixels read.
  public init(of dataSet: any DataSet, samples: Int = 2000) throws(ConvoyError) {
    precondition(samples >= 1, "At least one image must be measured.")
    let shape = dataSet.imageShape
    let area = shape[1] * shape[2]
    let read = min(samples, dataSet.count)
    var sums = Array(repeating: 0.0, count: shape[0])
    var squares = sums
    for sample in 0..<read {
      let image = try dataSet.image(at: sample * dataSet.count / read)
      for channel in sums.indices {
        for value in image.elements[(channel * area)...].prefix(area) {
          sums[channel] += Double(value)
          squares[channel] += Double(value) * Double(value)
        }
      }
    }
    let number = Double(read * area)
    mean = sums.map { Float($0 / number) }
    deviation = zip(sums, squares).map { sum, square in
      // Below a millionth lies only the rounding of the sums.
      let variance = square / number - (sum / number) * (sum / number)
      return variance > 1e-12 ? Float(variance.squareRoot()) : 1
    }
  }
}
