public import ConvoyTensors

/// Random changes of a training image that keep its class.
///
/// Each image in each epoch has a random stream of its own, so that its changes depend on nothing
/// else.
public struct Augmentation: Hashable, Sendable, Codable {
  /// Whether half of the images are mirrored horizontally.
  public var flips: Bool
  /// The pixels of zeros that are added on each side, before an image of the original size is
  /// cropped at random.
  public var cropPadding: Int
  /// The jitter: brightness, contrast and saturation are each multiplied by a random factor of 1 ±
  /// this.
  public var colorJitter: Float

  /// An augmentation; by default, none.
  public init(flips: Bool = false, cropPadding: Int = 0, colorJitter: Float = 0) {
    self.flips = flips
    self.cropPadding = cropPadding
    self.colorJitter = colorJitter
  }

  /// No changes.
  public static let none = Augmentation()

  /// Changes an image, channels × height × width numbers from 0 to 1, in place.
  public func apply(
    to image: UnsafeMutableBufferPointer<Float>, shape: Shape, using random: inout Random
  ) {
    let (height, width) = (shape[1], shape[2])
    if flips, random.below(2) == 1 {
      for row in 0..<shape[0] * height {
        image[row * width..<(row + 1) * width].reverse()
      }
    }
    if cropPadding > 0 {
      let down = random.below(2 * cropPadding + 1) - cropPadding
      let right = random.below(2 * cropPadding + 1) - cropPadding
      shift(image, shape, down: down, right: right)
    }
    if colorJitter > 0 { jitter(image, shape, using: &random) }
  }

  private func shift(
    _ image: UnsafeMutableBufferPointer<Float>, _ shape: Shape, down: Int, right: Int
  ) {
    let original = Array(image)
    let (height, width) = (shape[1], shape[2])
    for channel in 0..<shape[0] {
      for y in 0..<height {
        for x in 0..<width {
          let (fromY, fromX) = (y + down, x + right)
          let isInside = (0..<height).contains(fromY) && (0..<width).contains(fromX)
          image[(channel * height + y) * width + x] =
            isInside ? original[(channel * height + fromY) * width + fromX] : 0
        }
      }
    }
  }

  /// Brightness multiplies all numbers, contrast their distance from the mean, and saturation the
  /// distance of a pixel's channels from their mean. Results are limited to 0…1.
  private func jitter(
    _ image: UnsafeMutableBufferPointer<Float>, _ shape: Shape, using random: inout Random
  ) {
    let factors = (0..<3).map { _ in 1 + colorJitter * (2 * random.uniform() - 1) }
    let (brightness, contrast, saturation) = (factors[0], factors[1], factors[2])
    let pixels = shape[1] * shape[2]
    let mean = image.reduce(0, +) / Float(image.count) * brightness
    for pixel in 0..<pixels {
      var grey: Float = 0
      for channel in 0..<shape[0] {
        let index = channel * pixels + pixel
        image[index] = mean + (image[index] * brightness - mean) * contrast
        grey += image[index]
      }
      grey /= Float(shape[0])
      for channel in 0..<shape[0] {
        let index = channel * pixels + pixel
        image[index] = min(max(grey + (image[index] - grey) * saturation, 0), 1)
      }
    }
  }
}
