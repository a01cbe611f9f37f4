import ConvoyTensors

/// A data set held in memory, a byte a pixel and channel.
struct StoredDataSet: DataSet {
  let name: String
  let classNames: [String]
  let imageShape: Shape
  /// Image by image, each channel by channel.
  private let pixels: [UInt8]
  private let labels: [UInt8]
  /// The byte that stands for 1.
  private let largest: Float

  init(
    name: String, classNames: [String], imageShape: Shape, pixels: [UInt8], labels: [UInt8],
    largest: UInt8 = 255
  ) {
    precondition(pixels.count == labels.count * imageShape.elementCount)
    self.name = name
    self.classNames = classNames
    self.imageShape = imageShape
    self.pixels = pixels
    self.labels = labels
    self.largest = Float(largest)
  }

  var count: Int { labels.count }

  func label(at index: Int) -> Int { Int(labels[index]) }

  func copyImage(at index: Int, into buffer: UnsafeMutableBufferPointer<Float>) {
    let size = imageShape.elementCount
    precondition(buffer.count == size)
    pixels.withUnsafeBufferPointer { pixels in
      for offset in 0..<size {
        buffer.initializeElement(at: offset, to: Float(pixels[index * size + offset]) / largest)
      }
    }
  }
}
