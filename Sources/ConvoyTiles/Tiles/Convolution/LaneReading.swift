import ConvoyTensors

/// How a vector of a pixel is permuted before it is multiplied.
package enum LaneReading: Hashable, Sendable {
  /// Not at all.
  case plain
  /// By permutation indices, of one vector or blended from several; masks are needed only for
  /// several.
  case permuted(sources: Int)
  /// The two channels of pairs of lanes, in turn.
  case pairs
  /// The four channels of groups of four lanes, in turn.
  case quads

  /// The input channels of a step.
  package var channels: Int {
    switch self {
    case .plain, .permuted: 1
    case .pairs: 2
    case .quads: 4
    }
  }

  /// The vectors that each vector of inputs is blended from.
  package var sources: Int { if case .permuted(let sources) = self { sources } else { 1 } }

  /// The numbers of a step in the permutation table: 16 for each source, and 16 for the masks of
  /// the sources after the first, if there are any.
  package var numbersPerStep: Int {
    guard case .permuted(let sources) = self else { return 0 }
    return PlaneLayout.lanes * (sources == 1 ? 1 : sources + 1)
  }

  /// The registers that hold permutation indices.
  package var numberVectors: Int { numbersPerStep > 0 ? sources : 0 }

  /// The largest number of vectors that one may be blended from.
  package static let maximalSources = 4
}

/// Loads pixels so that each lane gets the number that it multiplies.
package struct LaneReader {
  package let access: LaneReading
  /// The permutation indices of each source.
  package let numbers: [Vector]
  /// The masks of lanes that come from each source after the first.
  package let masks: [LaneMask]

  /// Loads a step of the permutation table: a vector of indices for each source, then the masks.
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
  /// - Parameter channel: the index of the channel, if a vector holds several.
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
