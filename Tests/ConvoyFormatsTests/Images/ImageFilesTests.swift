import ConvoyTensors
import Testing

@testable import ConvoyFormats

@Suite struct ImageFilesTests {
  static func random(_ width: Int, _ height: Int, _ channels: Int, seed: UInt64 = 1) -> Image {
    var random = Random(seed: seed)
    let pixels = (0..<width * height * channels).map { _ in UInt8(random.below(256)) }
    return Image(width, height, channels, pixels)
  }

  /// Libraries under names that no system has.
  static let absent = ImageLibraries(
    png: SystemLibrary(name: "libpng", files: ["libabsent-png.so"], remedy: "‘install a’"),
    jpeg: SystemLibrary(name: "TurboJPEG", files: ["libabsent-jpeg.so"], remedy: "‘install b’"))

  @Test(arguments: ["a.ppm", "a.pgm", "a.PNG"], [1, 3])
  func whatIsWrittenIsRead(name: String, channels: Int) throws {
    guard !name.hasSuffix("PNG") || Codecs.hasPNG else { return }
    try withTemporaryFolder { folder in
      for (width, height) in [(1, 1), (7, 3), (64, 65)] {
        let image = Self.random(width, height, channels)
        try image.write(to: "\(folder)/\(name)")
        let read = try Image(contentsOf: "\(folder)/\(name)")
        let expected =
          switch name {
          case "a.ppm": try image.converted(toChannels: 3)
          case "a.pgm": try image.converted(toChannels: 1)
          default: image
          }
        #expect(read == expected)
      }
    }
  }

  @Test func anUnknownEndingIsRefused() {
    expectSentence(.argument, ".png", "a.gif") {
      try Self.random(1, 1, 1).write(to: "a.gif")
    }
  }

  @Test func contentDecidesNotTheName() throws {
    try withTemporaryFolder { folder in
      let image = Self.random(3, 2, 3)
      try AtomicFile.write(Anymap.encode(image), to: folder + "/a.jpg")
      #expect(try Image(contentsOf: folder + "/a.jpg") == image)
      try AtomicFile.write("GIF89a", to: folder + "/a.png")
      expectSentence(.format, "a.png", "PNG, JPEG, PGM or PPM") {
        _ = try Image(contentsOf: folder + "/a.png")
      }
      expectSentence(.format, "PNG") { _ = try Image(decoding: []) }
    }
  }

  // MARK: - PGM and PPM

  @Test(
    arguments: [
      ("P2\n2 1\n255\n0 255", 1, [0, 255]),
      ("P2 # grey\n2 1 # size\n# more\n1\n 0 \n 1 \n", 1, [0, 255]),
      ("P2 1 1 4 2", 1, [128]),
      ("P3 1 1 65535 0 32768 65535", 3, [0, 128, 255]),
      ("P5 2 1 255\nA ", 1, [65, 32]),
      ("P5 1 1 100\n2", 1, [128]),
      ("P5 1 1 65535\n\u{7F}\u{0}", 1, [127]),
      ("P6 1 1 255 abc", 3, [97, 98, 99]),
    ] as [(String, Int, [UInt8])])
  func anymapsHaveKnownPixels(text: String, channels: Int, pixels: [UInt8]) throws {
    let image = try Image(decoding: Array(text.utf8))
    #expect(image.channels == channels)
    #expect(image.pixels == pixels)
  }

  @Test(arguments: [
    ("P5", "the width"), ("P5 1", "the height"), ("P5 1 1", "largest"), ("P5 1 1 0\n0", "65535"),
    ("P5 1 1 65536\n00", "65535"), ("P5 2 2 255\nabc", "take 4 bytes, but 3"),
    ("P2 1 2 1 0", "take 4 bytes or more"), ("P2 1 1 1 2", "at most 1, but is 2"),
    ("P2 1 2 1 0 x", "a sample is missing"), ("P5 99999999999999999999 1 255\n0", "absurdly"),
  ])
  func damagedAnymapsAreRefused(text: String, words: String) {
    expectSentence(.format, words) { _ = try Image(decoding: Array(text.utf8)) }
  }

  @Test func anymapsOfImpossibleSizesAreRefused() {
    for size in ["0 5", "2000000000 2000000000", "100000 100000"] {
      expectSentence(.shape) { _ = try Image(decoding: Array("P6 \(size) 255\nabc".utf8)) }
    }
  }

  @Test func mutatedAnymapsAreRefusedOrHarmless() {
    let plain = Array("P3 # a\n2 2 255\n1 2 3 4 5 6\n7 8 9 10 11 12\n".utf8)
    let refusals =
      mutate(plain, times: 1000, seed: 1) { _ = try Image(decoding: $0) }
      + mutate(Anymap.encode(Self.random(9, 7, 3)), times: 1000, seed: 2) {
        _ = try Image(decoding: $0)
      }
    #expect(refusals > 300)
  }

  // MARK: - Missing libraries

  @Test func anAbsentLibraryIsNamedWithItsRemedy() throws {
    expectSentence(.resource, "JPEG", "TurboJPEG", "‘install b’") {
      _ = try Image(decoding: JPEGFile.grey(level: 200), source: nil, libraries: Self.absent)
    }
    expectSentence(.resource, "PNG", "libpng", "‘install a’") {
      _ = try Image(decoding: PNGFile.header(1, 1), source: nil, libraries: Self.absent)
    }
    expectSentence(.resource, "‘install a’") {
      _ = try PNGCodec(Self.absent.png).encode(Self.random(1, 1, 1))
    }
  }

  @Test func aLibraryWithoutTheFunctionIsTooOld() throws {
    #if os(Linux)
      let libc = SystemLibrary(name: "libc", files: ["libc.so.6"], remedy: "‘x’")
      guard let opened = try? libc.opened(for: "This test") else { return }
      expectSentence(.resource, "too old", "png_image_free") {
        _ = try opened.function("png_image_free", as: (@convention(c) () -> Void).self)
      }
    #endif
  }
}
