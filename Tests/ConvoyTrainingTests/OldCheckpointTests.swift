import ConvoyFormats
import ConvoyGraphs
import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyTraining

/// A checkpoint that was written when every tensor was of 32-bit floats, the step's number too: after the
/// first of two epochs on the digits, of a network with batch norm, dropout and groups, by AdamW.
@Suite struct OldCheckpointTests {
  /// What the second epoch came to for the program that wrote the file.
  private static let secondEpoch = (loss: 2.2377360820770265, accuracy: 0.21484375)

  private var path: String {
    get throws {
      try #require(Bundle.module.resourceURL).appending(path: "Golden/float_steps.safetensors").path
    }
  }

  @Test func itLoads() throws {
    let checkpoint = try Checkpoint(contentsOf: path)
    #expect(checkpoint.model.graph.values.allSatisfy { $0.type == .float32 })
    #expect(checkpoint.memory["training.step"] == Tensor([], repeating: 5))
    #expect(checkpoint.training?.history.count == 1)
  }

  /// A graph without other types is written as it was then.
  @Test func graphsAreWrittenAsTheyWere() throws {
    let text = try #require(try Safetensors(contentsOf: path).metadata["convoy.graph"])
    #expect(try Graph(json: text).json() == text)
  }

  @Test func theTrainingGoesOn() throws {
    let trainer = try Trainer(
      resuming: Checkpoint(contentsOf: path), data: DataSets.open("digits"))
    let record = try trainer.runEpoch()
    #expect(trainer.isFinished)
    #expect(abs(record.loss - Self.secondEpoch.loss) < 1e-4)
    #expect(abs(record.trainingAccuracy - Self.secondEpoch.accuracy) < 0.01)
    #expect(try trainer.checkpoint().memory["training.step"] == Tensor(scalar: 10 as Int64))
    try withTemporaryFolder { folder in
      try trainer.checkpoint().write(to: "\(folder)/a.safetensors")
      let read = try Checkpoint(contentsOf: "\(folder)/a.safetensors")
      #expect(read.memory["training.step"] == Tensor(scalar: 10 as Int64))
    }
  }
}
