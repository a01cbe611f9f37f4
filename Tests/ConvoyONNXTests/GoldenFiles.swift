import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyONNX

/// The models that `Golden/make_golden.py` made, with inputs and outputs.
enum Golden {
  static let folder = Bundle.module.bundlePath + "/Golden"

  /// The models' names.
  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.filter { $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }.sorted()
  }()

  static func path(_ name: String) -> String { "\(folder)/\(name).onnx" }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// What went into a model and what came out, in order.
  static func tensors(_ name: String) throws -> [Tensor] {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).bin"))
    var offset = 0
    func next() -> UInt32 {
      defer { offset += 4 }
      return data.withUnsafeBytes {
        UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      }
    }
    var tensors: [Tensor] = []
    while offset < data.count {
      let extents = (0..<next()).map { _ in Int(next()) }
      let shape = try Shape(validating: extents)
      tensors.append(
        try Tensor(shape, (0..<shape.elementCount).map { _ in Float(bitPattern: next()) }))
    }
    return tensors
  }
}

/// Compares tensors of floats that were summed in different orders.
func expectClose(
  _ got: Tensor, _ wanted: Tensor, tolerance: Float = 1e-4, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(got.shape == wanted.shape, "\(what)", sourceLocation: sourceLocation)
  guard got.shape == wanted.shape else { return }
  let scale = max(wanted.elements.map(\.magnitude).max() ?? 0, 1e-3)
  let worst = zip(got.elements, wanted.elements).map { ($0 - $1).magnitude }.max() ?? 0
  #expect(
    worst <= tolerance * scale, "\(what): \(worst) of \(scale)", sourceLocation: sourceLocation)
}
