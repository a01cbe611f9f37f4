import ConvoyTensors

/// A processor's vector registers, as tiles and their writer need them: part of a machine's
/// description.
package struct VectorUnit: Hashable, Sendable {
  /// The name of its code in listings and profilers; a name stands for one description.
  package let name: String
  /// 32-bit lanes of a vector register.
  package let lanes: Int
  /// The vector registers that tiles may use.
  package let registerCount: Int
  /// The independent sums that must be in flight at once to keep the multipliers busy.
  package let chainCount: Int
  /// The registers between a load and its use that hide the load's latency.
  package let temporaryCount: Int
  /// Whether an arithmetic instruction can broadcast one number from memory to all lanes: an
  /// embedded broadcast.
  package let embedsBroadcast: Bool
  /// Whether instructions can leave lanes unchanged, by a mask that is loaded beforehand.
  package let hasMasks: Bool
  /// Makes the writer of a micro-kernel's code; nil where no code is generated.
  private let makeWriter: (@Sendable (VectorUnit) -> any TileWriter)?

  package init(
    name: String, lanes: Int, registerCount: Int, chainCount: Int, temporaryCount: Int,
    embedsBroadcast: Bool = false, hasMasks: Bool = false,
    writer: (@Sendable (VectorUnit) -> any TileWriter)?
  ) {
    self.name = name
    self.lanes = lanes
    self.registerCount = registerCount
    self.chainCount = chainCount
    self.temporaryCount = temporaryCount
    self.embedsBroadcast = embedsBroadcast
    self.hasMasks = hasMasks
    makeWriter = writer
  }

  /// Bytes of a vector register.
  package var vectorBytes: Int { lanes * MemoryLayout<Float>.size }

  /// The vector registers that hold the channels of a plane's pixel.
  package var vectorsPerPixel: Int { PlaneLayout.lanes / lanes }

  /// Whether neighbouring lanes of a pixel can be added: see `TileWriter.addNeighbours`.
  package var addsNeighbours: Bool { hasMasks && vectorsPerPixel == 1 }

  /// Bytes of a plane's pixel: 16 floats.
  package static let pixelBytes = PlaneLayout.lanes * MemoryLayout<Float>.size

  /// Whether code is generated for it.
  package var generatesCode: Bool { makeWriter != nil }

  /// A writer for the code of one micro-kernel.
  package func writer() -> any TileWriter {
    guard let makeWriter else { preconditionFailure("no code is generated for \(name)") }
    return makeWriter(self)
  }

  /// Two descriptions of the same name are the same.
  package static func == (a: VectorUnit, b: VectorUnit) -> Bool { a.name == b.name }

  /// Hashes the name.
  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
