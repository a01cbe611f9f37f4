import ConvoyGraphs
import ConvoyTensors
import Testing

@testable import ConvoyONNX

/// Files that are cut off or damaged give an error or a model, and nothing worse.
@Suite struct DamageTests {
  /// Reads bytes; only errors with a sentence may come out.
  static func read(_ bytes: [UInt8]) {
    do throws(ConvoyError) {
      _ = try ONNXModel(bytes).model(batch: 1)
    } catch {
      #expect(!error.message.isEmpty)
    }
  }

  @Test(arguments: ["conv_2d_groups", "shape_chain", "resize_floor"])
  func truncation(_ name: String) throws {
    let bytes = try Golden.bytes(name)
    for count in bytes.indices { Self.read(Array(bytes[..<count])) }
  }

  @Test(arguments: Golden.names) func flips(_ name: String) throws {
    let bytes = try Golden.bytes(name)
    var random = Random(seed: 11)
    for _ in 0..<40 {
      var damaged = bytes
      for _ in 0...random.below(4) {
        damaged[random.below(damaged.count)] = UInt8(random.below(256))
      }
      Self.read(damaged)
    }
  }
}
