import ConvoyTensors

/// What tiles and their writer need to know of a processor's registers: part of a machine's description.
package struct VectorUnit: Hashable, Sendable {
  /// What listings and profilers call code for it; a name stands for one description.
  package let name: String
  /// 32-bit lanes of a vector register.
  package let lanes: Int
  /// Vector registers that tiles may use.
  package let registerCount: Int
  /// Sums that must be under way at once for the multipliers to be busy.
  package let chainCount: Int
  /// Registers between a load and its use that hide its latency.
  package let temporaryCount: Int
  /// Whether an arithmetic instruction can take one number from memory for all lanes: an embedded
  /// broadcast.
  package let embedsBroadcast: Bool
  /// Whether instructions can leave lanes as they are, by a mask that is loaded beforehand.
  package let hasMasks: Bool
  /// Makes the writer of a kernel's code; nil where no code is generated.
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

  /// Vector registers that hold the channels of a plane's pixel.
  package var vectorsPerPixel: Int { PlaneLayout.lanes / lanes }

  /// Whether neighbouring lanes of a pixel can be added up: `TileWriter.addNeighbours`.
  package var addsNeighbours: Bool { hasMasks && vectorsPerPixel == 1 }

  /// Bytes of a plane's pixel: 16 floats.
  package static let pixelBytes = PlaneLayout.lanes * MemoryLayout<Float>.size

  /// Whether code is generated for it.
  package var generatesCode: Bool { makeWriter != nil }

  /// A writer for the code of one kernel.
  package func writer() -> any TileWriter {
    guard let makeWriter else { preconditionFailure("no code is generated for \(name)") }
    return makeWriter(self)
  }

  /// Two descriptions of the same name are the same.
  package static func == (a: VectorUnit, b: VectorUnit) -> Bool { a.name == b.name }

  /// Hashes the name.
  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
