import ConvoyTensors

/// How a vector of pixels' lanes becomes the vector that is multiplied.
package enum LaneReading: Hashable, Sendable {
  /// As it is.
  case plain
  /// By numbers of lanes, of one vector or put together from several; with masks only if several.
  case permuted(sources: Int)
  /// The two channels of pairs of lanes, one after the other.
  case pairs
  /// The four channels of quadruples of lanes, one after the other.
  case quads

  /// Input channels of a step.
  package var channels: Int {
    switch self {
    case .plain, .permuted: 1
    case .pairs: 2
    case .quads: 4
    }
  }

  /// Vectors that each vector of inputs is put together from.
  package var sources: Int { if case .permuted(let sources) = self { sources } else { 1 } }

  /// Numbers in the table of lanes that a step takes: 16 a source, and 16 for the masks of the sources
  /// after the first, if any.
  package var numbersPerStep: Int {
    guard case .permuted(let sources) = self else { return 0 }
    return PlaneLayout.lanes * (sources == 1 ? 1 : sources + 1)
  }

  /// Registers that hold numbers of lanes.
  package var numberVectors: Int { numbersPerStep > 0 ? sources : 0 }

  /// The most vectors that one may be put together from.
  package static let maximalSources = 4
}

/// Reads pixels so that each lane gets the number that it multiplies.
package struct LaneReader {
  package let access: LaneReading
  /// Hold the lanes' numbers, of each source.
  package let numbers: [Vector]
  /// Say which lanes come from each source after the first.
  package let masks: [LaneMask]

  /// Loads what rearranges lanes from a table: a vector of numbers for each source, then the masks.
  package func loadTable(_ table: Integer, _ w: any TileWriter) {
    for (source, register) in numbers.enumerated() {
      w.load(register, table + source * VectorUnit.pixelBytes)
    }
    for (source, mask) in masks.enumerated() {
      let bytes = numbers.count * VectorUnit.pixelBytes + source * MemoryLayout<UInt32>.size
      w.loadMask(mask, table + bytes)
    }
  }

  /// Loads a pixel from its place in each source.
  ///
  /// - Parameter channel: which of the channels that stand in a vector.
  package func load(
    _ x: Vector, channel: Int, _ w: any TileWriter, from place: (_ source: Int) -> Place
  ) {
    switch access {
    case .plain: w.load(x, place(0))
    case .permuted:
      w.permute(x, numbers[0], place(0), where: nil)
      for (source, mask) in zip(1..., masks) {
        w.permute(x, numbers[source], place(source), where: mask)
      }
    case .pairs, .quads: w.spread(x, place(0), lane: channel, ofEvery: access.channels)
    }
  }
}
