import ConvoyEngine
import ConvoyFormats
import ConvoyTensors

/// Images and labels for one step.
struct Batch: Sendable {
  var images: Tensor
  /// Class indices, int32.
  var labels: Tensor
}

/// How images become a network's input: (value − mean) ∕ deviation, channel by channel.
public struct Normalization: Hashable, Sendable, Codable {
  /// The number taken off each channel.
  public var mean: [Float]
  /// The number each channel is divided by.
  public var deviation: [Float]

  /// Describes a normalisation, one number a channel each.
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

/// Makes an epoch's batches on a thread of its own, a few ahead of their use.
final class BatchProducer: Sendable {
  private let queue = BoundedQueue<Result<Batch, any Error>>(capacity: 3)

  /// The images of one epoch in a seeded order, batch by batch; what does not fill a batch is left out.
  ///
  /// - Parameters:
  ///   - indices: the images to use.
  ///   - share: which of how many even shares of each batch.
  ///   - epoch: counted from 0; with the seed it decides on order and augmentation.
  init(
    _ data: any DataSet, indices: [Int], batch: Int, share: (index: Int, count: Int) = (0, 1),
    epoch: Int, seed: UInt64,
    augmentation: Augmentation, normalization: Normalization
  ) {
    var random = Random(seed: seed, stream: UInt64(epoch))
    let order = indices.shuffled(using: &random)
    startThread { [queue] in
      for start in stride(from: 0, through: order.count - batch, by: batch) {
        let made = Result {
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
  }

  deinit { queue.close() }

  /// The next batch, or nil after the last.
  ///
  /// - Throws: what reading an image threw.
  func next() throws -> Batch? { try queue.next()?.get() }
}

extension Batch {
  /// Reads some images.
  init(
    _ data: any DataSet, _ indices: some Collection<Int>, _ normalization: Normalization,
    change: (UnsafeMutableBufferPointer<Float>, Int) -> Void = { _, _ in }
  ) throws {
    let size = data.imageShape.elementCount
    images = try Tensor(
      uninitialized: Shape([indices.count] + data.imageShape.dimensions)
    ) { buffer in
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
