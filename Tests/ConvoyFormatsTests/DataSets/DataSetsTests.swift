import ConvoyTensors
import Testing

@testable import ConvoyFormats

@Suite struct DataSetsTests {
  // MARK: - Digits

  @Test func digitsAreThere() throws {
    let splits = try DataSets.open("digits")
    #expect(splits.training.count == 1438)
    #expect(splits.test.count == 359)
    #expect(splits.test.imageShape == [1, 8, 8])
    #expect(splits.test.classNames == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
    var counts = Array(repeating: 0, count: 10)
    for index in 0..<splits.test.count { counts[splits.test.label(at: index)] += 1 }
    #expect(counts.allSatisfy { (34...37).contains($0) })
    let first = try splits.training.image(at: 0)
    #expect(first.shape == [1, 1, 8, 8])
    #expect(first.elements.allSatisfy { (0...1).contains($0) })
    #expect(try (0..<100).contains { try splits.training.image(at: $0).elements.contains(1) })
  }

  @Test func everyDigitIsInOnePartOnly() throws {
    let splits = try DataSets.open("digits")
    let all = try [splits.training, splits.test].flatMap { part in
      try (0..<part.count).map { try part.image(at: $0).elements }
    }
    #expect(all.count == 1797)
    let training = Set(all[..<1438])
    #expect(all[1438...].allSatisfy { !training.contains($0) })
  }

  // MARK: - Holding out

  @Test func aFifthOfEachClassIsDrawn() {
    var random = Random(seed: 2)
    let labels = (0..<1000).map { _ in random.below(7) }
    let (training, test) = HoldOut.fifth(of: labels, classCount: 7, seed: 3)
    #expect((training + test).sorted() == Array(0..<1000))
    #expect(training == training.sorted() && test == test.sorted())
    for label in 0..<7 {
      let members = labels.count { $0 == label }
      let drawn = test.count { labels[$0] == label }
      #expect(abs(5 * drawn - members) <= 2)
    }
    #expect(HoldOut.fifth(of: labels, classCount: 7, seed: 3).test == test)
    #expect(HoldOut.fifth(of: labels, classCount: 7, seed: 4).test != test)
    #expect(HoldOut.fifth(of: [0, 1, 1, 2, 2, 2], classCount: 4, seed: 1).test.count == 2)
  }

  // MARK: - Statistics

  @Test func statisticsAreThoseOfAllPixels() throws {
    let pixels = (0..<40).map { UInt8($0 * 5) } + Array(repeating: 51, count: 40)
    let data = StoredDataSet(
      name: "x", classNames: ["a"], imageShape: [2, 1, 10],
      pixels: (0..<4).flatMap { pixels[($0 * 10)...].prefix(10) + pixels[40..<50] },
      labels: [0, 0, 0, 0])
    let statistics = try ChannelStatistics(of: data)
    let values = (0..<40).map { Double($0 * 5) / 255 }
    let mean = values.reduce(0, +) / 40
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 40
    #expect(abs(Double(statistics.mean[0]) - mean) < 1e-7)
    #expect(abs(Double(statistics.deviation[0]) - variance.squareRoot()) < 1e-7)
    #expect(statistics.mean[1] == 0.2)
    #expect(statistics.deviation[1] == 1)
    #expect(try ChannelStatistics(of: data, samples: 1).mean[0] == Float(22.5 / 255))
  }

  // MARK: - Opening

  @Test func aSizeIsBroughtAbout() throws {
    for splits in [
      try DataSets.open("digits", size: 20), try DataSets.open("digits?size=20", size: 12),
    ] {
      #expect(splits.test.imageShape == [1, 20, 20])
      let image = try splits.test.image(at: 3)
      #expect(image.shape == [1, 1, 20, 20])
      #expect(image.elements.allSatisfy { (0...1).contains($0) })
    }
    let small = try DataSets.open("digits").test
    let large = try DataSets.open("digits?size=16").test
    let means = try [small, large].map { try ChannelStatistics(of: $0).mean[0] }
    #expect(abs(means[0] - means[1]) < 0.02)
  }

  @Test(arguments: [
    ("imagenet", "‘digits’, ‘gratings’, or a folder"), ("", "name"), ("digits?x=1", "size"),
    ("digits?size=0", "1 to 4096"), ("digits?size=big", "whole number"),
    ("gratings?classes=1", "2 to 64"), ("gratings?size=4", "8 to 1024"),
    ("gratings?colour=red", "size, classes, count, seed"), ("gratings?count=0", "count"),
    ("gratings?seed=-1", "seed"), ("/nowhere/at/all", "/nowhere/at/all"),
  ])
  func whatIsUnknownIsRefused(specification: String, words: String) {
    expectSentence(.argument, words) { _ = try DataSets.open(specification) }
  }

  @Test func anImpossibleSizeIsRefused() {
    expectSentence(.argument, "5000") { _ = try DataSets.open("digits", size: 5000) }
  }

  @Test func aFolderOfNothingIsRefused() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write("x", to: folder + "/readme.txt")
      try makeFolder(folder + "/empty")
      expectSentence(.argument, folder, "CIFAR-10", "MNIST", "pictures") {
        _ = try DataSets.open(folder)
      }
      expectSentence(.argument, "readme.txt") { _ = try DataSets.open(folder + "/readme.txt") }
    }
  }
}
