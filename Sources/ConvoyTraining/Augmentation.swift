public import ConvoyTensors

/// Changes to a training image that leave its class as it is.
///
/// Each image in each epoch draws from a random stream of its own, so that what it becomes depends on
/// nothing else.
public struct Augmentation: Hashable, Sendable, Codable {
  /// Whether half of the images are mirrored left to right.
  public var flips: Bool
  /// So many pixels of zeros are put around the image, and a part of the old size is cut out at random.
  public var cropPadding: Int
  /// Brightness, contrast and saturation are each multiplied by a random factor of 1 ± this much.
  public var colorJitter: Float

  /// Describes an augmentation; none, unless asked for.
  public init(flips: Bool = false, cropPadding: Int = 0, colorJitter: Float = 0) {
    self.flips = flips
    self.cropPadding = cropPadding
    self.colorJitter = colorJitter
  }

  /// No changes.
  public static let none = Augmentation()

  /// Changes an image of channels × height × width numbers from 0 to 1 in place.
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

  /// Brightness scales all numbers; contrast scales their distance from the mean; saturation the
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
