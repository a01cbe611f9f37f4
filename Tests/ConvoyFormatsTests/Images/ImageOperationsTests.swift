import ConvoyTensors
import Testing

@testable import ConvoyFormats

@Suite struct ImageOperationsTests {
  static let sizes = [(1, 1), (8, 8), (5, 9), (16, 2), (31, 17)]

  @Test(arguments: [1, 3])
  func theSameSizeIsTheSamePicture(channels: Int) throws {
    let image = ImageFilesTests.random(13, 7, channels)
    #expect(try image.resized(width: 13, height: 7) == image)
    let weights = Resampling.resize(
      width: 13, height: 7, channels: channels, toWidth: 13, height: 7
    ) { y, row in
      for x in row.indices { row[x] = Float(image.pixels[y * row.count + x]) }
    }
    #expect(weights == image.pixels.map { Float($0) })
  }

  @Test func aConstantStaysConstant() throws {
    for (width, height) in Self.sizes {
      for (newWidth, newHeight) in Self.sizes {
        let image = Image(width, height, 1, Array(repeating: 77, count: width * height))
        let resized = try image.resized(width: newWidth, height: newHeight)
        #expect(resized.pixels == Array(repeating: 77, count: newWidth * newHeight))
      }
    }
  }

  @Test func shrinkingByAWholeFactorKeepsTheMean() throws {
    // Away from the borders the triangles of a coarser grid add up to the same for every pixel, so
    // a picture whose detail lies in the middle keeps its mean, but for rounding.
    var random = Random(seed: 3)
    var pixels = Array(repeating: UInt8(100), count: 64 * 64)
    for y in 16..<48 { for x in 16..<48 { pixels[y * 64 + x] = UInt8(random.below(256)) } }
    let mean = Double(pixels.reduce(0) { $0 + Int($1) }) / 4096
    for size in [32, 16, 8] {
      let small = try Image(64, 64, 1, pixels).resized(width: size, height: size)
      let newMean = Double(small.pixels.reduce(0) { $0 + Int($1) }) / Double(size * size)
      #expect(abs(mean - newMean) < 0.5)
    }
  }

  @Test func knownPixels() throws {
    let pair = Image(2, 1, 1, [0, 100])
    #expect(try pair.resized(width: 4, height: 1).pixels == [0, 25, 75, 100])
    // Two halves: weights 3, 3, 1 of 7 fall on the first three pixels.
    let row = Image(4, 1, 1, [70, 0, 140, 0])
    #expect(try row.resized(width: 2, height: 1).pixels == [50, 60])
    #expect(
      try Image(1, 2, 3, [0, 10, 20, 100, 110, 120]).resized(width: 1, height: 1).pixels
        == [50, 60, 70])
  }

  @Test func resizingCommutesWithMirroring() throws {
    func mirrored(_ image: Image) -> Image {
      Image(
        image.width, image.height, 1,
        (0..<image.height).flatMap { y in
          image.pixels[(y * image.width)..<((y + 1) * image.width)].reversed()
        })
    }
    let image = ImageFilesTests.random(24, 10, 1)
    for (width, height) in Self.sizes {
      let one = try mirrored(image).resized(width: width, height: height)
      let other = mirrored(try image.resized(width: width, height: height))
      // The sums are taken in another order, which may tip a rounding.
      #expect(zip(one.pixels, other.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
    }
  }

  @Test func theShorterSideDecides() throws {
    let image = ImageFilesTests.random(40, 30, 1)
    #expect(try image.resized(shorterSide: 15).description == "Image(20×15, grey)")
    #expect(try image.resized(shorterSide: 10).description == "Image(13×10, grey)")
    for side in [0, -1, Int.max, 1 << 20] {
      expectSentence(.shape) { _ = try image.resized(shorterSide: side) }
    }
  }

  @Test func croppingTakesTheMiddle() throws {
    let image = Image(4, 3, 1, Array(0..<12))
    #expect(try image.centerCropped(width: 2, height: 1).pixels == [5, 6])
    #expect(try image.centerCropped(width: 1, height: 3).pixels == [1, 5, 9])
    #expect(try image.centerCropped(width: 4, height: 3) == image)
    expectSentence(.shape, "4×3", "5×1") { _ = try image.centerCropped(width: 5, height: 1) }
    expectSentence(.shape, "0×1") { _ = try image.centerCropped(width: 0, height: 1) }
  }

  @Test func greyIsLuma() throws {
    let image = Image(5, 1, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 9, 9, 9])
    let grey = try image.converted(toChannels: 1)
    #expect(grey.pixels == [76, 150, 29, 255, 9])
    #expect(try grey.converted(toChannels: 3).converted(toChannels: 1) == grey)
    expectSentence(.shape, "2") { _ = try image.converted(toChannels: 2) }
  }

  @Test func aTensorIsStandardisedPlanes() throws {
    let image = Image(2, 1, 3, [0, 51, 102, 255, 204, 153])
    let tensor = try image.tensor(mean: [0, 0.2, 0.5], deviation: [1, 0.5, 0.1])
    #expect(tensor.shape == [1, 3, 1, 2])
    let expected: [Float] = [0, 1, 0, 1.2, -1, 1]
    // Three roundings of values near 1, the last scaled by 10.
    #expect(zip(tensor.elements, expected).allSatisfy { abs($0 - $1) <= 20 * Float.ulpOfOne })
    expectSentence(.argument, "3") { _ = try image.tensor(mean: [0], deviation: [1]) }
    expectSentence(.argument, "above 0") {
      _ = try image.tensor(mean: [0, 0, 0], deviation: [1, 0, 1])
    }
  }

  @Test func impossiblePicturesCannotBeMade() {
    expectSentence(.shape, "2") {
      _ = try Image(width: 1, height: 1, channels: 2, pixels: [0, 0])
    }
    expectSentence(.shape, "0×1") { _ = try Image(width: 0, height: 1, channels: 1, pixels: []) }
    expectSentence(.shape, "4", "3") {
      _ = try Image(width: 2, height: 2, channels: 1, pixels: [0, 0, 0])
    }
    expectSentence(.shape) {
      _ = try Image(width: .max, height: .max, channels: 1, pixels: [])
    }
  }
}
