import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Made-up images that ask for two kinds of filters: grey edges and patches of colour.
///
/// An image is a fine grating in grey, whose orientation is one half of its class, under a slow wash
/// between two opposite colours of equal brightness, which are the other half. The wash has a
/// direction of its own, drawn for each image. So grey alone tells nothing about the colours, and
/// colour alone nothing about the orientation: this is the split between edges and colours that the
/// two groups of AlexNet's first layer found by themselves. Wavelengths, phases, contrasts and
/// brightness vary from image to image, and every pixel has noise.
///
/// Image *i* is a function of the seed and of *i* alone.
struct Gratings: DataSet {
  let classNames: [String]
  let count: Int
  private let size: Int
  private let orientations: Int
  private let colourPairs: Int
  private let seed: UInt64

  /// The attributes it takes.
  static let keys = ["size", "classes", "count", "seed"]

  /// Makes two parts, of `count` images and of a quarter as many.
  static func splits(_ specification: Specification, size: Int?) throws(ConvoyError) -> DataSplits {
    try specification.requireKeys(among: keys)
    let size = try specification.integer("size", in: 8...1024) ?? size ?? 32
    let classes = try specification.integer("classes", in: 2...64) ?? 16
    let count = try specification.integer("count", in: 1...10_000_000) ?? 8000
    let seed = UInt64(try specification.integer("seed", in: 0 ... .max) ?? 1)
    return DataSplits(
      training: Gratings(
        size: size, classes: classes, count: count, seed: Random.hash(2 &* seed)),
      test: Gratings(
        size: size, classes: classes, count: max(1, count / 4), seed: Random.hash(2 &* seed &+ 1)))
  }

  /// The classes fill a table of orientations and pairs of colours, as square as can be; the last
  /// row may be short.
  init(size: Int, classes: Int, count: Int, seed: UInt64) {
    var side = 1
    while side * side < classes { side += 1 }
    let orientations = side
    let colourPairs = (classes + side - 1) / side
    self.size = size
    self.count = count
    self.seed = seed
    self.orientations = orientations
    self.colourPairs = colourPairs
    self.classNames = (0..<classes).map {
      "grating \(180 * ($0 % orientations) / orientations)°, "
        + "colours \(180 * ($0 / orientations) / colourPairs)°"
    }
  }

  var name: String { "gratings" }
  var imageShape: Shape { [3, size, size] }

  func label(at index: Int) -> Int { index % classNames.count }

  /// What an image's class leaves open.
  struct Drawing {
    /// The angle across the stripes, and the angle between the colours in the plane of Cb and Cr,
    /// both in radians.
    let orientation, colour: Double
    let grating, wash: Wave
    let brightness: Double
    let noise: Float
    /// What the noise is drawn from.
    var random: Random
  }

  /// Draws what the class leaves open: orientation and colours stray from the class's own by at most
  /// a quarter of the way to the next.
  func drawing(at index: Int) -> Drawing {
    var random = Random(seed: seed, stream: UInt64(index))
    func draw(_ low: Double, _ high: Double) -> Double {
      low + (high - low) * Double(random.uniform())
    }
    let label = label(at: index)
    let orientation =
      .pi * (Double(label % orientations) + draw(-0.25, 0.25)) / Double(orientations)
    let colour = .pi * (Double(label / orientations) + draw(-0.25, 0.25)) / Double(colourPairs)
    let extent = Double(size)
    return Drawing(
      orientation: orientation, colour: colour,
      grating: Wave(
        direction: orientation, wavelength: draw(4, max(8, extent / 8)),
        phase: draw(0, 2 * .pi), amplitude: draw(0.08, 0.2)),
      wash: Wave(
        direction: draw(0, 2 * .pi), wavelength: draw(0.75, 1.5) * extent,
        phase: draw(0, 2 * .pi), amplitude: draw(0.06, 0.14)),
      brightness: draw(0.42, 0.58), noise: Float(draw(0.02, 0.08)), random: random)
  }

  func copyImage(at index: Int, into buffer: UnsafeMutableBufferPointer<Float>) {
    var drawing = drawing(at: index)
    let grey = drawing.grating.sampled(size: size)
    let wash = drawing.wash.sampled(size: size)
    // ITU-R BT.601: these steps along Cb and Cr leave the brightness as it is.
    let (cb, cr) = (cos(drawing.colour), sin(drawing.colour))
    let steps = [1.402 * cr, -0.344136 * cb - 0.714136 * cr, 1.772 * cb].map { Float($0) }
    let area = size * size
    for channel in 0..<3 {
      for pixel in 0..<area {
        let noise = drawing.noise * (2 * drawing.random.uniform() - 1)
        let value = Float(drawing.brightness) + grey[pixel] + steps[channel] * wash[pixel] + noise
        buffer.initializeElement(at: channel * area + pixel, to: min(max(value, 0), 1))
      }
    }
  }

  /// A sine across the image.
  struct Wave {
    /// Radians from the horizontal.
    let direction: Double
    /// Pixels.
    let wavelength: Double
    let phase: Double
    let amplitude: Double

    /// The wave at every pixel, row by row. By the addition theorem a sine and a cosine for each row
    /// and column are enough.
    func sampled(size: Int) -> [Float] {
      let across = 2 * .pi / wavelength * cos(direction)
      let down = 2 * .pi / wavelength * sin(direction)
      let columns = (0..<size).map {
        (Float(sin(across * Double($0))), Float(cos(across * Double($0))))
      }
      return (0..<size).flatMap { y in
        let angle = down * Double(y) + phase
        let sine = Float(amplitude * sin(angle))
        let cosine = Float(amplitude * cos(angle))
        return columns.map { $0.0 * cosine + $0.1 * sine }
      }
    }
  }
}
