import ConvoyFormats
import ConvoyGraphs
import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyTraining

/// Calls a closure with the path of a folder that is removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let url = FileManager.default.temporaryDirectory.appending(path: "convoy-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}

@Suite struct CheckpointTests {
  static func trainedCheckpoint() throws -> Checkpoint {
    let trainer = try TrainerTests.trainer(epochs: 1)
    _ = try trainer.runEpoch()
    return try trainer.checkpoint()
  }

  @Test func comesBackAsItWas() throws {
    let checkpoint = try Self.trainedCheckpoint()
    try withTemporaryFolder { folder in
      try checkpoint.write(to: "\(folder)/a.safetensors")
      let read = try Checkpoint(contentsOf: "\(folder)/a.safetensors")
      #expect(read.model.parameters == checkpoint.model.parameters)
      #expect(read.memory == checkpoint.memory)
      #expect(read.training == checkpoint.training)
      #expect(read.classNames == checkpoint.classNames)
      #expect(read.normalization == checkpoint.normalization)
      #expect(try read.model.graph.json() == checkpoint.model.graph.json())
    }
  }

  /// Damaged files throw, or are read as some other valid checkpoint; they never crash.
  @Test func damagedFilesAreRefused() throws {
    let checkpoint = try Self.trainedCheckpoint()
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      try checkpoint.write(to: path)
      let whole = try WholeFile.read(path)
      var random = Random(seed: 5)
      var refusals = 0
      for attempt in 0..<400 {
        var bytes = whole
        if attempt % 4 == 0 {
          bytes.removeLast(1 + random.below(bytes.count))
        } else {
          // The header is where damage has meaning.
          for _ in 0...random.below(3) {
            bytes[random.below(min(bytes.count, 9000))] = UInt8(random.below(256))
          }
        }
        try AtomicFile.write(bytes, to: path)
        do {
          _ = try Checkpoint(contentsOf: path)
        } catch let error as ConvoyError {
          refusals += 1
          #expect(!error.message.isEmpty)
        }
      }
      #expect(refusals > 300)
    }
  }

  @Test func tensorsAloneAreNoCheckpoint() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      try Safetensors([("x", Tensor([2]))]).write(to: path)
      let error = #expect(throws: ConvoyError.self) { try Checkpoint(contentsOf: path) }
      #expect(error?.message.contains("holds tensors but no Convoy checkpoint") == true)
    }
  }

  /// Kills a process that writes checkpoints, fifty times at random moments: what stands under the name is
  /// always a whole checkpoint of one of its states.
  @Test func killingTheWriterLeavesAWholeCheckpoint() throws {
    let executable = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appending(path: "CheckpointWriter")
    try #require(
      FileManager.default.isExecutableFile(atPath: executable.path), "\(executable.path)")
    var random = Random(seed: 9)
    var numbers = Set<Float>()
    try withTemporaryFolder { folder in
      let path = "\(folder)/a.safetensors"
      for _ in 0..<50 {
        let writer = Process()
        writer.executableURL = executable
        writer.arguments = [path]
        let output = Pipe()
        writer.standardOutput = output
        try writer.run()
        _ = output.fileHandleForReading.availableData
        usleep(UInt32(random.below(20_000)))
        kill(writer.processIdentifier, SIGKILL)
        writer.waitUntilExit()
        let elements = try Checkpoint(contentsOf: path).model.parameters.values.map(\.elements)
        let first = try #require(elements.first?.first)
        #expect(elements.allSatisfy { $0.allSatisfy { $0 == first } })
        numbers.insert(first)
      }
    }
    #expect(numbers.count > 1, "every kill came before the second checkpoint")
  }
}
