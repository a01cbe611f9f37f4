import ConvoyTensors
import Testing

@testable import ConvoyFormats

/// CIFAR and MNIST, from small files made here.
@Suite struct RecordedDataSetTests {
  // MARK: - CIFAR

  static func records(_ labels: [UInt8], coarse: Bool = false) -> [UInt8] {
    labels.flatMap { label -> [UInt8] in
      let planes = (0..<3).flatMap { Array(repeating: UInt8($0) * 50 + label, count: 1024) }
      return (coarse ? [99, label] : [label]) + planes
    }
  }

  static func writeTen(_ folder: String) throws {
    for batch in 1...5 {
      try AtomicFile.write(records([UInt8(batch), 0]), to: "\(folder)/data_batch_\(batch).bin")
    }
    try AtomicFile.write(records([9]), to: folder + "/test_batch.bin")
  }

  @Test func tenClassesAreRead() throws {
    try withTemporaryFolder { folder in
      try Self.writeTen(folder)
      let splits = try DataSets.open(folder)
      #expect(splits.training.name == "cifar-10")
      #expect(splits.training.classNames[9] == "truck")
      #expect((0..<10).map(splits.training.label) == [1, 0, 2, 0, 3, 0, 4, 0, 5, 0])
      let image = try splits.test.image(at: 0)
      #expect(image.shape == [1, 3, 32, 32])
      #expect(image[0, 0, 5, 5] == Float(9) / 255)
      #expect(image[0, 1, 31, 31] == Float(59) / 255)
      #expect(image[0, 2, 0, 0] == Float(109) / 255)
      let names = (0..<10).map { "name \($0)\r\n" }.joined() + "\r\n"
      try AtomicFile.write(names, to: folder + "/batches.meta.txt")
      #expect(try DataSets.open(folder).test.classNames.last == "name 9")
      #expect(try DataSets.open(folder, size: 16).test.imageShape == [3, 16, 16])
    }
  }

  @Test func aHundredClassesAreRead() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(Self.records([0, 98], coarse: true), to: folder + "/train.bin")
      try AtomicFile.write(Self.records([99], coarse: true), to: folder + "/test.bin")
      let splits = try DataSets.open(folder)
      #expect(splits.training.label(at: 1) == 98)
      #expect(splits.test.label(at: 0) == 99)
      #expect(splits.test.classNames.count == 100)
      #expect(try splits.test.image(at: 0)[0, 1, 0, 0] == Float(149) / 255)
    }
  }

  @Test func damagedRecordsAreRefused() throws {
    try withTemporaryFolder { folder in
      try Self.writeTen(folder)
      let path = folder + "/data_batch_3.bin"
      try AtomicFile.write(Self.records([1]) + [0], to: path)
      expectSentence(.format, "data_batch_3.bin", "3073", "3074") {
        _ = try DataSets.open(folder)
      }
      try AtomicFile.write([], to: path)
      expectSentence(.format, "3073", "0 bytes") { _ = try DataSets.open(folder) }
      try AtomicFile.write(Self.records([1, 10]), to: path)
      expectSentence(.format, "0…9", "record 1 has 10") { _ = try DataSets.open(folder) }
      try AtomicFile.write(Self.records([1]), to: path)
      try AtomicFile.write("one\ntwo\n", to: folder + "/batches.meta.txt")
      expectSentence(.format, "name 10 classes", "names 2") { _ = try DataSets.open(folder) }
    }
  }

  @Test func aMissingFileIsNamed() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(Self.records([1]), to: folder + "/data_batch_1.bin")
      expectSentence(.file, "data_batch_2.bin") { _ = try DataSets.open(folder) }
    }
  }

  // MARK: - IDX

  static func idx(_ extents: [Int], _ data: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(extents.count)]
      + extents.flatMap { extent in
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: extent >> $0) }
      } + data
  }

  /// A gzip file of some bytes.
  ///
  /// - Parameter deflated: the bytes compressed; if nil, they are stored as they are.
  static func gzip(_ bytes: [UInt8], deflated: [UInt8]? = nil) -> [UInt8] {
    let checksum = PNGFile.checksum(bytes)
    func little(_ value: Int, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    let stored = [1] + little(bytes.count, 2) + little(~bytes.count, 2) + bytes
    return header + (deflated ?? stored) + little(Int(checksum), 4) + little(bytes.count, 4)
  }

  static func gzip(_ bytes: [UInt8]) -> [UInt8] { gzip(bytes, deflated: nil) }

  static let hasZlib = (try? SystemLibrary.zlib.opened(for: "")) != nil

  static func writeMNIST(
    _ folder: String, separator: String = "-", ending: String = "",
    _ encode: ([UInt8]) -> [UInt8] = { $0 }
  ) throws {
    for (part, count) in [("train", 4), ("t10k", 2)] {
      let pixels = (0..<count * 6).map { UInt8($0) }
      let images = "\(folder)/\(part)-images\(separator)idx3-ubyte\(ending)"
      let labels = "\(folder)/\(part)-labels\(separator)idx1-ubyte\(ending)"
      try AtomicFile.write(encode(idx([count, 2, 3], pixels)), to: images)
      try AtomicFile.write(encode(idx([count], [9, 0, 5, 1].suffix(count))), to: labels)
    }
  }

  static func check(_ folder: String) throws {
    let splits = try DataSets.open(folder)
    #expect(splits.training.count == 4)
    #expect(splits.test.count == 2)
    #expect(splits.test.label(at: 0) == 5)
    let image = try splits.training.image(at: 1)
    #expect(image.shape == [1, 1, 2, 3])
    #expect(image.elements == (6..<12).map { Float($0) / 255 })
  }

  @Test(arguments: ["-", "."])
  func plainFilesAreRead(separator: String) throws {
    try withTemporaryFolder { folder in
      try Self.writeMNIST(folder, separator: separator)
      try Self.check(folder)
      #expect(try DataSets.open(folder).test.name == "mnist")
    }
  }

  @Test(.enabled(if: hasZlib)) func compressedFilesAreRead() throws {
    try withTemporaryFolder { folder in
      let fashion = folder + "/FashionMNIST"
      try makeFolder(fashion)
      try Self.writeMNIST(fashion, ending: ".gz", Self.gzip)
      try Self.check(fashion)
      #expect(try DataSets.open(fashion).test.name == "fashion-mnist")
      #expect(try DataSets.open(fashion).test.classNames[9] == "ankle boot")
    }
  }

  @Test func headersThatDoNotFitTheirFileAreRefused() throws {
    let decoder = IDX(folder: "")
    func refused(_ bytes: [UInt8], _ words: String, _ location: SourceLocation = #_sourceLocation) {
      expectSentence(
        .format, words,
        from: {
          _ = try Malformed.explain("a", asNot: "an IDX file", of: [.idx, .gzip], bytes) {
            () throws(Malformed) in
            try decoder.decode(bytes, dimensions: 3)
          }
        }, sourceLocation: location)
    }
    let valid = Self.idx([2, 2, 1], [1, 2, 3, 4])
    #expect(try decoder.decode(valid, dimensions: 3).data == [1, 2, 3, 4])
    refused(valid + [0], "take 20 bytes, but it has 21")
    refused(valid.dropLast(), "take 20 bytes, but it has 19")
    refused(Self.idx([2, 2], [1, 2, 3, 4]), "[0, 0, 8, 3]")
    refused([], "it seems to be an empty file")
    refused(Self.idx([0, 2, 2], []), "[0, 2, 2]")
    refused(Self.idx([0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], []), "which no data set has")
    refused(Self.idx([0xFFFF_FFFF, 1, 1], []), "take 4294967311 bytes")
    guard Self.hasZlib else { return }
    #expect(try decoder.decode(Self.gzip(valid), dimensions: 3).data == [1, 2, 3, 4])
    refused(Self.gzip(valid + [0]), "20 bytes should come out of it, but more do")
    refused(Self.gzip(valid.dropLast()), "only 19 do")
    refused(Self.gzip(valid).dropLast(9), "ends early")
    refused(Self.gzip(Self.idx([0xFFFF_FFFF, 1, 1], [1])), "unpack it first")
  }

  @Test func aSmallFileCannotFillTheMemory() {
    // What a compressor makes of 2.3 GB of zeros has some 2.4 MB.
    let promise = Self.idx([1_000_000, 48, 48], [1])
    let bytes = Self.gzip(promise) + Array(repeating: 0, count: 2_400_000)
    guard Self.hasZlib else { return }
    expectSentence(.format, "2304000016 bytes", "more than 64 for each of its 24") {
      _ = try Malformed.explain("a", asNot: "an IDX file", of: [.idx, .gzip], bytes) {
        () throws(Malformed) in
        try IDX(folder: "").decode(bytes, dimensions: 3)
      }
    }
  }

  /// Half a megabyte of zeros, the best case of the compressor, must not look like an attack.
  @Test(.enabled(if: hasZlib)) func whatCompressesBestIsStillRead() throws {
    typealias Compress =
      @convention(c) (
        UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt>, UnsafePointer<UInt8>, UInt
      ) -> Int32
    let zlib = try SystemLibrary.zlib.opened(for: "This test")
    let compress = try zlib.function("compress", as: Compress.self)
    let blank = Self.idx([500, 1000, 1], Array(repeating: 0, count: 500_000))
    var compressed = Array(repeating: UInt8(0), count: 10_000)
    var size = UInt(compressed.count)
    #expect(compress(&compressed, &size, blank, UInt(blank.count)) == 0)
    // zlib's own wrapping is two bytes in front and four behind.
    let file = Self.gzip(blank, deflated: Array(compressed[2..<Int(size) - 4]))
    #expect(file.count < 700)
    #expect(try IDX(folder: "").decode(file, dimensions: 3).data.count == 500_000)
  }

  @Test func absentZlibIsNamed() throws {
    let absent = SystemLibrary(name: "zlib", files: ["libabsent.so"], remedy: "‘install z’")
    expectSentence(.resource, "zlib", "‘install z’") {
      _ = try Malformed.explain(nil, asNot: "an IDX file", of: [.gzip], [0x1F, 0x8B]) {
        () throws(Malformed) in
        try Gzip(absent).prefix(of: [0x1F, 0x8B], count: 4)
      }
    }
  }

  @Test func imagesAndLabelsMustAgree() throws {
    try withTemporaryFolder { folder in
      try Self.writeMNIST(folder)
      let labels = folder + "/train-labels-idx1-ubyte"
      try AtomicFile.write(Self.idx([3], [1, 2, 3]), to: labels)
      expectSentence(.format, "train-labels", "4 images", "has 3") {
        _ = try DataSets.open(folder)
      }
      try AtomicFile.write(Self.idx([4], [1, 2, 10, 3]), to: labels)
      expectSentence(.format, "0…9", "has 10 at 2") { _ = try DataSets.open(folder) }
      try AtomicFile.write(
        Self.idx([1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        to: folder + "/t10k-images-idx3-ubyte")
      try AtomicFile.write(Self.idx([1], [1]), to: folder + "/t10k-labels-idx1-ubyte")
      try AtomicFile.write(Self.idx([4], [1, 2, 1, 3]), to: labels)
      expectSentence(.format, "1×2×3", "1×3×3") { _ = try DataSets.open(folder) }
    }
  }

  @Test func damageIsRefusedOrHarmless() {
    let valid = Self.idx([5, 4, 3], Array(0..<60))
    for (seed, bytes) in [(UInt64(1), valid), (2, Self.gzip(valid))]
    where seed == 1 || Self.hasZlib {
      let refused = mutate(bytes, times: 1000, seed: seed) { bytes in
        _ = try Malformed.explain(nil, asNot: "an IDX file", of: [.idx, .gzip], bytes) {
          () throws(Malformed) in
          try IDX(folder: "").decode(bytes, dimensions: 3)
        }
      }
      #expect(refused > 500)
    }
  }
}
