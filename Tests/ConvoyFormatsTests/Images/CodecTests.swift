import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyFormats

/// Which libraries this machine has: the tests that need one are skipped elsewhere.
enum Codecs {
  static let hasPNG = (try? ImageLibraries.installed.png.opened(for: "")) != nil
  static let hasJPEG = (try? ImageLibraries.installed.jpeg.opened(for: "")) != nil
}

/// JPEG files small enough to write by hand.
enum JPEGFile {
  /// A grey picture of one block, all of one level: 128, or one at least 64 away from it, since the
  /// only code for a difference has seven bits. The header may claim another size.
  static func grey(level: Int, width: Int = 8, height: Int = 8) -> [UInt8] {
    let quantisation = [0xFF, 0xDB, 0, 67, 0] + Array(repeating: 8, count: 64)
    let size = [height >> 8, height & 255, width >> 8, width & 255]
    let frame = [0xFF, 0xC0, 0, 11, 8] + size + [1, 1, 0x11, 0]
    // Two codes, 0 for no difference and 10 for one of seven bits; then 0 for the end of the block.
    let differences = [0xFF, 0xC4, 0, 21, 0x00, 1, 1] + Array(repeating: 0, count: 14) + [0, 7]
    let details = [0xFF, 0xC4, 0, 20, 0x10, 1] + Array(repeating: 0, count: 15) + [0]
    let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]
    let difference = level - 128
    let bits =
      difference == 0
      ? 0b0011_1111_1111_1111
      : 0b10 << 14 | (difference > 0 ? difference : difference + 127) << 7 | 0b011_1111
    let file =
      [0xFF, 0xD8] + quantisation + frame + differences + details + scan
      + [bits >> 8, bits & 255, 0xFF, 0xD9]
    return file.map { UInt8($0) }
  }
}

/// PNG files small enough to write by hand, not compressed.
enum PNGFile {
  /// The signature and the header, of 8-bit colour if nothing else is said.
  static func header(
    _ width: UInt32, _ height: UInt32, depth: UInt8 = 8, kind: UInt8 = 2
  ) -> [UInt8] {
    [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10]
      + chunk("IHDR", word(width) + word(height) + [depth, kind, 0, 0, 0])
  }

  /// A picture of one row.
  static func row(width: UInt32, depth: UInt8, kind: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    let data = [0] + bytes
    let size = UInt16(data.count)
    let sizes = [size, ~size].flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    let (low, high) = data.reduce((UInt32(1), UInt32(0))) { sums, byte in
      let low = (sums.0 + UInt32(byte)) % 65521
      return (low, (sums.1 + low) % 65521)
    }
    return header(width, 1, depth: depth, kind: kind)
      + chunk("IDAT", [0x78, 1, 1] + sizes + data + word(high << 16 | low)) + chunk("IEND", [])
  }

  private static func word(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let content = Array(name.utf8) + data
    return word(UInt32(data.count)) + content + word(checksum(content))
  }

  /// CRC-32, as the PNG specification's appendix defines it.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1) * 0xEDB8_8320 }
    }
  }
}

@Suite(.enabled(if: Codecs.hasPNG)) struct PNGTests {
  @Test func impossibleSizesAreRefusedBeforeMemoryIsTaken() {
    expectSentence(.format, "16000×16000", "33 bytes") {
      _ = try Image(decoding: PNGFile.header(16000, 16000))
    }
    expectSentence(.shape, "at most") {
      _ = try Image(decoding: PNGFile.header(.max, .max))
    }
    expectSentence(.shape, "0×9") { _ = try Image(decoding: PNGFile.header(0, 9)) }
  }

  @Test(
    arguments: [
      (8, 0, [7, 200], 1, [7, 200]),
      (16, 0, [7, 7, 200, 200], 1, [7, 200]),
      (8, 2, [1, 2, 3, 4, 5, 6], 3, [1, 2, 3, 4, 5, 6]),
      (1, 0, [0b0100_0000], 1, [0, 255]),
      (8, 4, [7, 255, 9, 0], 1, [7, 9]),
      (8, 6, [1, 2, 3, 255, 4, 5, 6, 0], 3, [1, 2, 3, 4, 5, 6]),
    ] as [(UInt8, UInt8, [UInt8], Int, [UInt8])])
  func pixelsOfEveryKindAreKnown(
    depth: UInt8, kind: UInt8, row: [UInt8], channels: Int, pixels: [UInt8]
  ) throws {
    let image = try Image(decoding: PNGFile.row(width: 2, depth: depth, kind: kind, row))
    #expect(image == Image(2, 1, channels, pixels))
  }

  /// As Pillow and torchvision do: what a file says of how it is to be shown changes no number.
  @Test func gammaAndColourProfilesAreNotApplied() throws {
    let plain = PNGFile.row(width: 3, depth: 8, kind: 0, [7, 100, 200])
    let headerEnd = 33
    for chunk in [
      PNGFile.chunk("gAMA", [0, 1, 0x86, 0xA0]), PNGFile.chunk("sRGB", [0]),
      PNGFile.chunk("gAMA", [0, 0, 0x27, 0x10]),
    ] {
      let bytes = plain[..<headerEnd] + chunk + plain[headerEnd...]
      #expect(try Image(decoding: Array(bytes)).pixels == [7, 100, 200])
    }
  }

  @Test func aHighlyCompressibleFileIsNotMistakenForAnAttack() throws {
    let black = Image(2000, 2000, 1, Array(repeating: 0, count: 4_000_000))
    let bytes = try PNGCodec(ImageLibraries.installed.png).encode(black)
    #expect(bytes.count < 20_000)
    #expect(try Image(decoding: bytes) == black)
  }

  @Test func damageIsRefusedOrHarmless() throws {
    let image = ImageFilesTests.random(20, 15, 3)
    let valid = try PNGCodec(ImageLibraries.installed.png).encode(image)
    let refused = mutate(valid, times: 1500, seed: 3) { _ = try Image(decoding: $0) }
    #expect(refused > 1000)
  }
}

@Suite(.enabled(if: Codecs.hasJPEG)) struct JPEGTests {
  @Test(arguments: [1, 20, 64, 128, 192, 228, 255])
  func aBlockHasItsLevel(level: Int) throws {
    let image = try Image(decoding: JPEGFile.grey(level: level))
    #expect(image == Image(8, 8, 1, Array(repeating: UInt8(level), count: 64)))
  }

  @Test func impossibleSizesAreRefusedBeforeMemoryIsTaken() {
    expectSentence(.format, "16000×16000") {
      _ = try Image(decoding: JPEGFile.grey(level: 128, width: 16000, height: 16000))
    }
    expectSentence(.shape, "at most") {
      _ = try Image(decoding: JPEGFile.grey(level: 128, width: 65500, height: 65500))
    }
  }

  /// Fewer blocks than the header claims: the library warns and leaves the rest grey, Convoy
  /// refuses.
  @Test func aFileThatEndsEarlyIsRefused() {
    expectSentence(.format, "Premature end") {
      _ = try Image(decoding: JPEGFile.grey(level: 228, width: 64, height: 64).dropLast(2))
    }
  }

  @Test func damageIsRefusedOrHarmless() {
    let refused = mutate(JPEGFile.grey(level: 200), times: 2000, seed: 4) {
      _ = try Image(decoding: $0)
    }
    #expect(refused > 500)
  }

  @Test func printColoursBecomeScreenColours() {
    let inks: [UInt8] = [255, 255, 255, 255, 0, 255, 128, 255, 200, 100, 50, 0, 255, 128, 0, 128]
    #expect(
      JPEGCodec.colours(cmyk: inks) == [255, 255, 255, 0, 255, 128, 0, 0, 0, 128, 64, 0])
  }

  @Test func aPhotographIsRead() throws {
    let path = try #require(
      Bundle.module.path(forResource: "flower", ofType: "jpg", inDirectory: "Fixtures"))
    let flower = try Image(contentsOf: path)
    #expect(flower.description == "Image(640×427, colour)")
    // Decoders differ by a few levels, averages over a quarter of a million pixels hardly at all.
    let means = (0..<3).map { channel in
      stride(from: channel, to: flower.pixels.count, by: 3).reduce(0) {
        $0 + Int(flower.pixels[$1])
      } / (640 * 427)
    }
    #expect(zip(means, [55, 73, 57]).allSatisfy { abs($0 - $1) <= 1 }, "\(means)")
    let bytes = try WholeFile.read(path)
    let refused = mutate(bytes, times: 60, seed: 5) { _ = try Image(decoding: $0) }
    #expect(refused > 0)
  }
}
