import ConvoyTensors
import Testing

@testable import ConvoyFormats

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite struct GratingsTests {
  @Test func anImageIsAFunctionOfSeedAndIndex() throws {
    let one = try DataSets.open("gratings?size=16&seed=5")
    let same = try DataSets.open("gratings?size=16&seed=5&count=100")
    let other = try DataSets.open("gratings?size=16&seed=6")
    for index in [7, 0, 99] {
      let image = try one.training.image(at: index)
      #expect(try same.training.image(at: index) == image)
      #expect(try other.training.image(at: index) != image)
      #expect(try one.test.image(at: index % 25) != one.training.image(at: index % 25))
      #expect(image.elements.allSatisfy { (0...1).contains($0) })
    }
    #expect(same.training.count == 100 && same.test.count == 25)
  }

  @Test(arguments: [2, 3, 7, 10, 16, 64])
  func classesAreDistinctAndEven(classes: Int) throws {
    let data = try DataSets.open("gratings?classes=\(classes)&count=\(classes * 3)").training
    #expect(Set(data.classNames).count == classes)
    for label in 0..<classes {
      #expect((0..<data.count).count { data.label(at: $0) == label } == 3)
    }
  }

  /// The main direction in which a plane's brightness changes, from the structure tensor, and that
  /// of a cloud of points: an axis, as an angle of 0…π.
  static func axis(_ points: [(Double, Double)]) -> Double {
    let (a, b, c) = points.reduce((0, 0, 0)) {
      ($0.0 + $1.0 * $1.0, $0.1 + $1.0 * $1.1, $0.2 + $1.1 * $1.1)
    }
    let angle = atan2(2 * b, a - c) / 2
    return angle < 0 ? angle + .pi : angle
  }

  static func distance(_ a: Double, _ b: Double) -> Double {
    let d = abs(a - b).truncatingRemainder(dividingBy: .pi)
    return min(d, .pi - d)
  }

  /// What the documentation promises: the grey part shows the orientation, and the colours lie along
  /// the class's axis of the plane of Cb and Cr.
  @Test func greyShowsTheOrientationAndColourThePair() throws {
    let (size, area) = (48, 48 * 48)
    let data = Gratings(size: size, classes: 12, count: 48, seed: 9)
    for index in 0..<data.count {
      let e = try data.image(at: index).elements.map(Double.init)
      let grey = (0..<area).map { 0.299 * e[$0] + 0.587 * e[area + $0] + 0.114 * e[2 * area + $0] }
      var gradients: [(Double, Double)] = []
      for y in 1..<size - 1 {
        for pixel in (y * size + 1)..<(y * size + size - 1) {
          gradients.append(
            (grey[pixel + 1] - grey[pixel - 1], grey[pixel + size] - grey[pixel - size]))
        }
      }
      let chroma = (0..<area).map {
        ((e[2 * area + $0] - grey[$0]) / 1.772, (e[$0] - grey[$0]) / 1.402)
      }
      let drawing = data.drawing(at: index)
      // The class's own angles, which drawing strays from by up to a quarter of the spacing.
      let label = data.label(at: index)
      let orientation = Double.pi * Double(label % 4) / 4
      let colour = Double.pi * Double(label / 4) / 3
      // Differences over two pixels turn a wave of four by up to 0.13; noise adds little.
      #expect(Self.distance(Self.axis(gradients), drawing.orientation) < 0.15)
      #expect(Self.distance(Self.axis(gradients), orientation) < .pi / 16 + 0.15)
      #expect(Self.distance(Self.axis(chroma), drawing.colour) < 0.15)
      #expect(Self.distance(Self.axis(chroma), colour) < .pi / 12 + 0.15)
    }
  }

  /// The mean colour of an image must not give its class away, or no filter would be needed.
  @Test func theAverageTellsLittle() throws {
    let data = Gratings(size: 24, classes: 4, count: 400, seed: 1)
    var means = Array(repeating: [0.0, 0.0, 0.0], count: 4)
    for index in 0..<data.count {
      let image = try data.image(at: index).elements
      for channel in 0..<3 {
        means[data.label(at: index)][channel] +=
          Double(image[(channel * 576)...].prefix(576).reduce(0, +)) / 576 / 100
      }
    }
    #expect(means.joined().allSatisfy { abs($0 - 0.5) < 0.03 }, "\(means)")
  }
}
