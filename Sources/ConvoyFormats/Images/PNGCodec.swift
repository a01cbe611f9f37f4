import ConvoyTensors

/// PNG through libpng's simplified interface, which keeps its error handling to itself: no
/// `longjmp` crosses Swift code.
struct PNGCodec {
  private let library: SystemLibrary

  init(_ library: SystemLibrary) { self.library = library }

  /// `png_image` of `png.h`.
  private struct PNGImage {
    var control: OpaquePointer?
    var version: UInt32 = 1
    var width: UInt32 = 0
    var height: UInt32 = 0
    var format: UInt32 = 0
    var flags: UInt32 = 0
    var colormapEntries: UInt32 = 0
    var warningOrError: UInt32 = 0
    var message: Words16 = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    /// Swift leaves a structure's last padding to its neighbours, C does not: libpng clears it.
    var padding: UInt32 = 0

    typealias Words16 = (
      UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32,
      UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32
    )

    /// What libpng has to say.
    var reason: String {
      withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
  }

  /// Constants of `png.h`.
  private enum Flag {
    static let alpha: UInt32 = 1
    static let color: UInt32 = 2
    /// Takes 16-bit samples as sRGB, as everyone else does, instead of as linear light.
    static let sixteenBitsAreSRGB: UInt32 = 4
  }

  // Swift takes no pointer to a Swift structure in a C function type; all of these begin with one
  // to a `PNGImage`.
  private typealias BeginRead =
    @convention(c) (
      UnsafeMutableRawPointer, UnsafeRawPointer?, Int
    ) -> Int32
  private typealias FinishRead =
    @convention(c) (
      UnsafeMutableRawPointer, UnsafeRawPointer?, UnsafeMutableRawPointer?, Int32,
      UnsafeMutableRawPointer?
    ) -> Int32
  private typealias Free = @convention(c) (UnsafeMutableRawPointer) -> Void
  private typealias Write =
    @convention(c) (
      UnsafeMutableRawPointer, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>, Int32,
      UnsafeRawPointer?, Int32, UnsafeRawPointer?
    ) -> Int32

  /// What is used of the library to read.
  private struct Reading {
    let begin: BeginRead
    let finish: FinishRead
    let free: Free

    init(_ library: SystemLibrary) throws(ConvoyError) {
      let functions = try library.opened(for: "Reading a PNG picture")
      begin = try functions.function("png_image_begin_read_from_memory", as: BeginRead.self)
      finish = try functions.function("png_image_finish_read", as: FinishRead.self)
      free = try functions.function("png_image_free", as: Free.self)
    }
  }

  func decode(_ bytes: [UInt8]) throws(Malformed) -> Image {
    try checkSize(bytes)
    let png = try Malformed.passing { () throws(ConvoyError) in try Reading(library) }
    // libpng notes the structure's address and writes its errors there, so it must not move.
    let header = UnsafeMutablePointer<PNGImage>.allocate(capacity: 1)
    header.initialize(to: PNGImage())
    defer {
      png.free(header)
      header.deallocate()
    }
    return try PNGCodec.withoutColourSpace(bytes).withUnsafeBufferPointer {
      (bytes) throws(Malformed) in
      guard png.begin(header, bytes.baseAddress, bytes.count) != 0 else {
        throw Malformed("libpng finds “\(header.pointee.reason)”")
      }
      // Where there is transparency it is read, and then dropped: libpng would lay the picture onto a colour.
      header.pointee.format &= Flag.color | Flag.alpha
      header.pointee.flags |= Flag.sixteenBitsAreSRGB
      let channels = header.pointee.format & Flag.color != 0 ? 3 : 1
      let samples = channels + (header.pointee.format & Flag.alpha != 0 ? 1 : 0)
      let (width, height) = (Int(header.pointee.width), Int(header.pointee.height))
      let size = try Malformed.passing { () throws(ConvoyError) in
        let size = try Image.checkedSize(width: width, height: height, channels: channels)
        try AvailableMemory.require(size / channels * samples, for: "The pixels of a picture")
        return size / channels * samples
      }
      let pixels = try [UInt8](unsafeUninitializedCapacity: size) {
        (buffer, count) throws(Malformed) in
        guard png.finish(header, nil, buffer.baseAddress, Int32(width * samples), nil) != 0
        else { throw Malformed("libpng finds “\(header.pointee.reason)”") }
        count = size
      }
      return Image(
        width, height, channels,
        samples == channels ? pixels : PNGCodec.opaque(pixels, channels: channels))
    }
  }

  /// Pixels without their last sample, how opaque they are.
  private static func opaque(_ pixels: [UInt8], channels: Int) -> [UInt8] {
    let count = pixels.count / (channels + 1) * channels
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      for index in 0..<count {
        buffer.initializeElement(
          at: index, to: pixels[index / channels * (channels + 1) + index % channels])
      }
      initialized = count
    }
  }

  /// The file without the chunks that say how its numbers are to be shown, by which libpng would change them.
  ///
  /// A chunk is its length in four bytes, its type in four, so much data, and a checksum in four.
  private static func withoutColourSpace(_ bytes: [UInt8]) -> [UInt8] {
    let dropped = ["gAMA", "cHRM", "sRGB", "iCCP", "cICP", "mDCV", "cLLI"]
    var kept = Array(bytes.prefix(8))
    var position = 8
    while position + 12 <= bytes.count {
      let length = word(bytes, at: position)
      let type = String(decoding: bytes[position + 4..<position + 8], as: UTF8.self)
      let end = min(bytes.count, position + 12 + length)
      if !dropped.contains(type) { kept += bytes[position..<end] }
      position = end
    }
    return kept + bytes[min(position, bytes.count)...]
  }

  /// A number of four bytes, the most significant first.
  private static func word(_ bytes: [UInt8], at offset: Int) -> Int {
    bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
  }

  /// Compares what the header claims with what the file can hold, before anything is allocated:
  /// deflate makes at most 1032 bytes of one.
  private func checkSize(_ bytes: [UInt8]) throws(Malformed) {
    guard bytes.count >= 33, bytes[12..<16].elementsEqual("IHDR".utf8) else {
      throw Malformed("it ends within its header")
    }
    let (width, height) = (PNGCodec.word(bytes, at: 16), PNGCodec.word(bytes, at: 20))
    let depth = Int(bytes[24])
    let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][bytes[25]] ?? 1
    _ = try Malformed.passing { () throws(ConvoyError) in
      try Image.checkedSize(width: width, height: height, channels: 3)
    }
    let packed = height * ((width * samples * depth + 7) / 8)
    guard packed / 1032 <= bytes.count else {
      throw Malformed(
        "\(width)×\(height) pixels cannot come out of a file of \(bytes.count) bytes")
    }
  }

  func encode(_ image: Image) throws(ConvoyError) -> [UInt8] {
    let functions = try library.opened(for: "Writing a PNG picture")
    let write = try functions.function("png_image_write_to_memory", as: Write.self)
    var header = PNGImage()
    header.width = UInt32(image.width)
    header.height = UInt32(image.height)
    header.format = image.channels == 3 ? Flag.color : 0
    // Deflate's own bound for bytes that do not compress (a row has one more, its filter's), with
    // room for the chunks around them.
    let raw = image.pixels.count + image.height
    let bound = raw + raw / 8 + raw / 64 + raw / 512 + 1024
    return try [UInt8](unsafeUninitializedCapacity: bound) {
      (buffer, count) throws(ConvoyError) in
      var size = bound
      let stride = Int32(image.width * image.channels)
      guard write(&header, buffer.baseAddress, &size, 0, image.pixels, stride, nil) != 0 else {
        throw ConvoyError(.format, "libpng cannot encode \(image): “\(header.reason)”.")
      }
      count = size
    }
  }
}
