import ConvoyFormats
import ConvoyTensors
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite struct AtomicFileTests {
  @Test func whatIsWrittenIsRead() throws {
    try withTemporaryFolder { folder in
      let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try AtomicFile.write(bytes, to: folder + "/a.bin")
      #expect(try WholeFile.read(folder + "/a.bin") == bytes)
      try AtomicFile.write([], to: folder + "/a.bin")
      #expect(try WholeFile.read(folder + "/a.bin") == [])
      #expect(try names(in: folder) == ["a.bin"])
    }
  }

  @Test func aFailureLeavesTheOldFileAndNothingElse() throws {
    struct Interrupted: Error {}
    try withTemporaryFolder { folder in
      let path = folder + "/a.txt"
      try AtomicFile.write("old", to: path)
      #expect(throws: Interrupted.self) {
        try AtomicFile.write(to: path) { file in
          try file.append(Array("half of the new".utf8))
          throw Interrupted()
        }
      }
      #expect(try WholeFile.read(path) == Array("old".utf8))
      #expect(try names(in: folder) == ["a.txt"])
    }
  }

  @Test func aLinkStaysAndPermissionsAreKept() throws {
    try withTemporaryFolder { folder in
      let files = FileManager.default
      try AtomicFile.write("old", to: folder + "/real")
      try files.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder + "/real")
      try files.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "real")
      try AtomicFile.write("new", to: folder + "/link")
      #expect(try WholeFile.read(folder + "/real") == Array("new".utf8))
      #expect(try files.destinationOfSymbolicLink(atPath: folder + "/link") == "real")
      #expect(try permissions(of: folder + "/real") == 0o640)
    }
  }

  @Test func whereNothingCanBeWrittenASentenceSaysSo() throws {
    try withTemporaryFolder { folder in
      expectSentence(.file, "nowhere/a", "no such file or directory") {
        try AtomicFile.write([1], to: folder + "/nowhere/a")
      }
      expectSentence(.file, "folder") { try AtomicFile.write([1], to: folder) }
      expectSentence(.file, "/dev/null") { try AtomicFile.write([1], to: "/dev/null") }
      expectSentence(.file, "name") { try AtomicFile.write([1], to: "") }
    }
  }

  @Test func whatCannotBeReadIsNamed() throws {
    try withTemporaryFolder { folder in
      expectSentence(.file, "missing") { _ = try WholeFile.read(folder + "/missing") }
      expectSentence(.file, "folder") { _ = try WholeFile.read(folder) }
      try AtomicFile.write("12345", to: folder + "/a")
      #expect(try WholeFile.read(folder + "/a", atMost: 5).count == 5)
      expectSentence(.resource, "4", "5") { _ = try WholeFile.read(folder + "/a", atMost: 4) }
      // A device has no size of its own, so the limit must hold while reading.
      expectSentence(.resource, "1000000") {
        _ = try WholeFile.read("/dev/zero", atMost: 1_000_000)
      }
    }
  }
}
