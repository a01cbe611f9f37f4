import ConvoyTensors

/// Decompresses gzip through the system's zlib.
struct Gzip {
  private let library: SystemLibrary

  init(_ library: SystemLibrary = .zlib) { self.library = library }

  /// The most bytes that are taken out of each byte, besides a megabyte: pictures and labels of real data sets stay
  /// far below it, and a small file cannot fill the memory (deflate itself makes up to 1032 of one).
  static let largestRatio = 64

  /// The first bytes of what was compressed.
  ///
  /// - Returns: as many bytes as asked for, or all where there are fewer.
  func prefix(of bytes: [UInt8], count: Int) throws(Malformed) -> [UInt8] {
    try inflate(bytes, atMost: count).bytes
  }

  /// All of what was compressed, where its size is known.
  func decompress(_ bytes: [UInt8], to count: Int) throws(Malformed) -> [UInt8] {
    guard (count - (1 << 20)) / Gzip.largestRatio <= bytes.count else {
      throw Malformed(
        "its header promises \(count) bytes, more than \(Gzip.largestRatio) for each of its \(bytes.count); "
          + "where that is true, unpack it first")
    }
    // Room for one byte more tells data that is too long from data that ends where it should.
    let (result, ended) = try inflate(bytes, atMost: count + 1)
    guard ended, result.count == count else {
      throw Malformed(
        "\(count) bytes should come out of it, but "
          + (result.count > count ? "more do" : "only \(result.count) do"))
    }
    return result
  }

  /// `z_stream` of `zlib.h`.
  private struct Stream {
    var nextIn: UnsafePointer<UInt8>?
    var availableIn: UInt32 = 0
    var totalIn: UInt = 0
    var nextOut: UnsafeMutablePointer<UInt8>?
    var availableOut: UInt32 = 0
    var totalOut: UInt = 0
    var message: UnsafePointer<CChar>?
    var state: OpaquePointer?
    var allocate: OpaquePointer?
    var free: OpaquePointer?
    var opaque: OpaquePointer?
    var dataType: Int32 = 0
    var checksum: UInt = 0
    var reserved: UInt = 0
  }

  // Each begins with a pointer to a `Stream`, which Swift does not take in a C function type.
  private typealias Initialize =
    @convention(c) (
      UnsafeMutableRawPointer, Int32, UnsafePointer<CChar>, Int32
    ) -> Int32
  private typealias Step = @convention(c) (UnsafeMutableRawPointer, Int32) -> Int32
  private typealias End = @convention(c) (UnsafeMutableRawPointer) -> Int32

  private func functions() throws(ConvoyError) -> (Initialize, Step, End) {
    let functions = try library.opened(for: "Reading a .gz file")
    return (
      try functions.function("inflateInit2_", as: Initialize.self),
      try functions.function("inflate", as: Step.self),
      try functions.function("inflateEnd", as: End.self)
    )
  }

  private func inflate(
    _ bytes: [UInt8], atMost limit: Int
  ) throws(Malformed) -> (bytes: [UInt8], ended: Bool) {
    let (initialize, step, end) = try Malformed.passing { () throws(ConvoyError) in
      try AvailableMemory.require(limit, for: "What a .gz file holds")
      return try functions()
    }

    // zlib notes the structure's address, so it must not move.
    let stream = UnsafeMutablePointer<Stream>.allocate(capacity: 1)
    stream.initialize(to: Stream())
    defer { stream.deallocate() }
    let gzipWindow: Int32 = 15 + 16
    guard initialize(stream, gzipWindow, "1", Int32(MemoryLayout<Stream>.size)) == 0 else {
      throw Malformed.failure(
        ConvoyError(
          .resource, "zlib cannot be started: memory is short, or its version is new."))
    }
    defer { _ = end(stream) }

    var ended = false
    let result = try [UInt8](unsafeUninitializedCapacity: limit) {
      (output, count) throws(Malformed) in
      try bytes.withUnsafeBufferPointer { (input) throws(Malformed) in
        var consumed = 0
        while count < limit && !ended {
          let given = min(input.count - consumed, 1 << 30)
          let room = min(limit - count, 1 << 20)
          stream.pointee.nextIn = input.baseAddress.map { $0 + consumed }
          stream.pointee.availableIn = UInt32(given)
          stream.pointee.nextOut = output.baseAddress.map { $0 + count }
          stream.pointee.availableOut = UInt32(room)
          let status = step(stream, 0)
          consumed += given - Int(stream.pointee.availableIn)
          let produced = room - Int(stream.pointee.availableOut)
          count += produced
          switch status {
          case 0 where produced > 0 || consumed < input.count: break
          case 1: ended = true
          case 0, -5: throw Malformed("its compressed data ends early")
          default:
            let reason = stream.pointee.message.map { String(cString: $0) } ?? "error \(status)"
            throw Malformed("zlib finds “\(reason)”")
          }
        }
      }
    }
    return (result, ended)
  }
}

extension SystemLibrary {
  static let zlib = SystemLibrary(
    name: "zlib", files: ["libz.so.1", "libz.so", "libz.1.dylib", "/usr/lib/libz.1.dylib"],
    remedy: "‘apt-get install zlib1g’")
}
