import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyFormats

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
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
    let interruption = ConvoyError(.argument, "Interrupted.")
    try withTemporaryFolder { folder in
      let path = folder + "/a.txt"
      try AtomicFile.write("old", to: path)
      #expect(throws: interruption) {
        try AtomicFile.write(to: path) { (file) throws(ConvoyError) in
          try file.append(Array("half of the new".utf8))
          throw interruption
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
      // What has no end is not begun.
      expectSentence(.file, "/dev/zero", "a device") { _ = try WholeFile.read("/dev/zero") }
    }
  }

  @Test func pipesAreReadToTheirEnd() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/pipe"
      try #require(mkfifo(path, 0o600) == 0)
      expectSentence(.file, "nothing is written to this pipe") { _ = try WholeFile.read(path) }
      // More than a pipe holds, so that reader and writer wait for each other.
      let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      let descriptor = open(path, O_RDWR)
      try #require(descriptor >= 0)
      let writer = Thread {
        var rest = bytes[...]
        while !rest.isEmpty {
          let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
          rest = rest.dropFirst(max(count, 0))
        }
        close(descriptor)
      }
      writer.start()
      #expect(try WholeFile.read(path) == bytes)
    }
  }

  @Test func whatAKilledWriterLeftIsRemovedByTheNext() throws {
    try withTemporaryFolder { folder in
      for name in [".a.txt.3k9x0.tmp", ".b.txt.3k9x0.tmp", ".a.txt.UPPER.tmp", ".a.txt.tmp"] {
        _ = FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data([1]))
      }
      // One that its writer still holds.
      let held = open("\(folder)/.a.txt.77.tmp", O_WRONLY | O_CREAT, 0o600)
      try #require(held >= 0 && flock(held, LOCK_EX) == 0)
      try AtomicFile.write("new", to: folder + "/a.txt")
      let kept = [".a.txt.77.tmp", ".a.txt.UPPER.tmp", ".a.txt.tmp", ".b.txt.3k9x0.tmp", "a.txt"]
      #expect(try names(in: folder) == kept)
      close(held)
      try AtomicFile.write("newer", to: folder + "/a.txt")
      #expect(try names(in: folder) == kept.filter { $0 != ".a.txt.77.tmp" })
    }
  }

  @Test func aNameThatIsNotUTF8IsRefusedNotAltered() throws {
    try withTemporaryFolder { folder in
      let name = Array("\(folder)/caf".utf8CString.dropLast()) + [CChar(bitPattern: 0xE9), 0]
      try #require(mkdir(name, 0o700) == 0)
      expectSentence(.file, "names in UTF-8", "caf�") { _ = try Folder.names(in: folder) }
    }
  }
}
