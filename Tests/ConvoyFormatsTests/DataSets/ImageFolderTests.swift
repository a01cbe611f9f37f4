import ConvoyTensors
import Testing

@testable import ConvoyFormats

@Suite struct ImageFolderTests {
  /// Pictures of one level each, in colour and grey, of several sizes.
  static func write(_ count: Int, level: Int, to folder: String) throws {
    try makeFolder(folder)
    for index in 0..<count {
      let (width, height, channels) = (5 + index, 9, index % 2 == 0 ? 1 : 3)
      let pixels = Array(repeating: UInt8(level + index), count: width * height * channels)
      let image = Image(width, height, channels, pixels)
      try AtomicFile.write(
        Anymap.encode(image), to: "\(folder)/\(index).\(["ppm", "PGM"][index % 2])")
    }
  }

  @Test func classesComeSortedAndAFifthIsHeldOut() throws {
    try withTemporaryFolder { folder in
      try Self.write(10, level: 100, to: folder + "/zebra")
      try Self.write(5, level: 200, to: folder + "/ant")
      try Self.write(2, level: 50, to: folder + "/.hidden")
      try makeFolder(folder + "/empty")
      try AtomicFile.write("x", to: folder + "/ant/notes.txt")
      let splits = try DataSets.open(folder, size: 6)
      #expect(splits.training.classNames == ["ant", "zebra"])
      #expect(splits.training.count == 12)
      #expect((0..<3).map(splits.test.label) == [0, 1, 1])
      #expect(splits.test.imageShape == [3, 6, 6])
      let again = try DataSets.open(folder + "?size=6")
      var levels: Set<Float> = []
      for part in [splits.training, splits.test] {
        for index in 0..<part.count {
          let image = try part.image(at: index)
          #expect(Set(image.elements).count == 1)
          let level = (image.elements[0] * 255).rounded()
          #expect((level >= 200) == (part.label(at: index) == 0))
          levels.insert(level)
        }
      }
      #expect(levels.count == 15)
      #expect(try again.test.image(at: 0) == splits.test.image(at: 0))
      #expect(try DataSets.open(folder).test.imageShape == [3, 64, 64])
    }
  }

  @Test(arguments: ["val", "test"])
  func partsThatAreThereAreUsed(part: String) throws {
    try withTemporaryFolder { folder in
      for name in ["a", "b"] {
        try Self.write(3, level: 10, to: "\(folder)/train/\(name)")
        try Self.write(2, level: 20, to: "\(folder)/\(part)/\(name)")
      }
      let splits = try DataSets.open(folder)
      #expect(splits.training.count == 6)
      #expect(splits.test.count == 4)
      try Self.write(1, level: 1, to: "\(folder)/\(part)/c")
      expectSentence(.format, part, "same folders") { _ = try DataSets.open(folder) }
    }
  }

  @Test func withoutAnExaminationAFifthOfTheTrainingPartIsHeldOut() throws {
    try withTemporaryFolder { folder in
      try Self.write(10, level: 10, to: folder + "/train/a")
      let splits = try DataSets.open(folder)
      #expect(splits.training.count == 8)
      #expect(splits.test.count == 2)
    }
  }

  @Test func whatIsTakenAndLeftIsCounted() throws {
    try withTemporaryFolder { folder in
      try Self.write(4, level: 10, to: folder + "/a")
      try makeFolder(folder + "/a/within")
      try makeFolder(folder + "/notes")
      for name in ["a/x.webp", "a/README", "readme.txt", "y.TXT", ".hidden"] {
        try AtomicFile.write("x", to: "\(folder)/\(name)")
      }
      let contents = try #require(try DataSets.open(folder).contents)
      #expect(contents.taken.values.reduce(0, +) == 4)
      #expect(contents.left == [".webp": 1, "": 1, ".txt": 2])
      #expect(contents.passedFolders == ["\(folder)/a/within", "\(folder)/notes"])
      #expect(contents.description.contains("2 .txt, 1 without an ending, 1 .webp; the folders ‘"))
    }
  }

  @Test func trainsMayBeAClass() throws {
    try withTemporaryFolder { folder in
      try Self.write(5, level: 10, to: folder + "/train")
      try Self.write(5, level: 10, to: folder + "/plane")
      #expect(try DataSets.open(folder).training.classNames == ["plane", "train"])
    }
  }

  @Test func tooFewPicturesAreRefused() throws {
    try withTemporaryFolder { folder in
      try Self.write(1, level: 10, to: folder + "/a")
      try Self.write(1, level: 10, to: folder + "/b")
      expectSentence(.format, "two pictures") { _ = try DataSets.open(folder) }
    }
  }

  @Test func aDamagedPictureIsNamedWhenItIsRead() throws {
    try withTemporaryFolder { folder in
      try Self.write(2, level: 10, to: folder + "/a")
      try AtomicFile.write("P5 9 9 255\n", to: folder + "/a/0.ppm")
      try AtomicFile.write("P5 9 9 255\n", to: folder + "/a/1.PGM")
      let splits = try DataSets.open(folder)
      expectSentence(.format, "/a/", "81 bytes, but 0") { _ = try splits.test.image(at: 0) }
    }
  }
}
