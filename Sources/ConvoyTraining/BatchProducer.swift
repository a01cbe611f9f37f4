import ConvoyEngine
import ConvoyFormats
import ConvoyTensors

/// The images and labels of one step.
struct Batch: Sendable {
  var images: Tensor
  /// Class indices, int32.
  var labels: Tensor
}

/// The conversion of images to a network's input: (value − mean) ∕ deviation, for each channel.
public struct Normalization: Hashable, Sendable, Codable {
  /// The mean that is subtracted from each channel.
  public var mean: [Float]
  /// The deviation that each channel is divided by.
  public var deviation: [Float]

  /// A normalisation with one mean and one deviation for each channel.
  public init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
  }

  /// Normalises an image in place.
  func apply(to image: UnsafeMutableBufferPointer<Float>) {
    let pixels = image.count / mean.count
    for channel in mean.indices {
      for index in channel * pixels..<(channel + 1) * pixels {
        image[index] = (image[index] - mean[channel]) / deviation[channel]
      }
    }
  }
}

/// Prepares an epoch's batches on a thread of its own, ahead of their use.
final class BatchProducer: Sendable {
  private let queue = BoundedQueue<Result<Batch, ConvoyError>>(capacity: 3)

  /// The images of an epoch in a random order, by batches; an incomplete last batch is left out.
  ///
  /// - Parameters:
  ///   - indices: the images to use.
  ///   - share: which of how many equal shares of each batch.
  ///   - epoch: counted from 0; the order and the augmentation depend on it and the seed.
  init(
    _ data: any DataSet, indices: [Int], batch: Int, share: (index: Int, count: Int) = (0, 1),
    epoch: Int, seed: UInt64,
    augmentation: Augmentation, normalization: Normalization
  ) {
    var random = Random(seed: seed, stream: UInt64(epoch))
    let order = indices.shuffled(using: &random)
    let isStarted = startThread { [queue] in
      for start in stride(from: 0, through: order.count - batch, by: batch) {
        let made = Result { () throws(ConvoyError) in
          let size = batch / share.count
          let first = start + share.index * size
          return try Batch(data, order[first..<first + size], normalization) { image, index in
            // Streams from 2³² on differ from those of the shuffles.
            let stream = UInt64(epoch + 1) << 32 + UInt64(index)
            var random = Random(seed: seed, stream: stream)
            augmentation.apply(to: image, shape: data.imageShape, using: &random)
          }
        }
        guard queue.append(made) else { return }
      }
      queue.close()
    }
    if !isStarted {
      let failure = ConvoyError(.resource, "The system gave no thread to prepare images on.")
      _ = queue.append(.failure(failure))
    }
  }

  deinit { queue.close() }

  /// The next batch, or nil after the last.
  ///
  /// - Throws: the error of reading an image.
  func next() throws(ConvoyError) -> Batch? { try queue.next()?.get() }
}

extension Batch {
  /// Reads the images and labels of some indices.
  init(
    _ data: any DataSet, _ indices: some Collection<Int>, _ normalization: Normalization,
    change: (UnsafeMutableBufferPointer<Float>, Int) -> Void = { _, _ in }
  ) throws(ConvoyError) {
    let size = data.imageShape.elementCount
    images = try Tensor(
      uninitialized: Shape([indices.count] + data.imageShape.dimensions)
    ) { buffer throws(ConvoyError) in
      for (position, index) in indices.enumerated() {
        let image = UnsafeMutableBufferPointer(
          rebasing: buffer[position * size..<(position + 1) * size])
        try data.copyImage(at: index, into: image)
        change(image, index)
        normalization.apply(to: image)
      }
    }
    labels = try Tensor([indices.count], elements: indices.map { Int32(data.label(at: $0)) })
  }
}
