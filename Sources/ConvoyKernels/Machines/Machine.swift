import ConvoyTensors
package import ConvoyTiles

/// The properties of the processor that kernels depend on, in one place: its registers, its caches,
/// and the largest tiles. Cost estimates from these decide which tile a problem uses.
public struct Machine: Hashable, Sendable, CustomStringConvertible {
  /// The largest tile of a convolution's outputs that fits the registers, for a number of planes.
  struct Tile: Hashable, Sendable {
    /// Pixels of 16 channels.
    var pixels: Int
    /// Planes that are computed together, so that each pixel that is loaded is used for all of
    /// them.
    var planes: Int
  }

  /// The vector registers, and the writer of code for them.
  package let unit: VectorUnit
  /// Bytes of first-level data cache.
  public let firstLevelCache: Int
  /// Bytes of second-level cache.
  public let secondLevelCache: Int
  /// The largest tiles of dense convolution, where one number is broadcast to all lanes: one for
  /// each number of planes.
  let denseTiles: [Tile]
  /// The largest tile of lane-wise convolution, where each lane reads its own number: rows, and
  /// pixels of one plane.
  let laneTile: (rows: Int, sums: Int)

  /// The machine this program runs on, with the fastest instructions it has.
  ///
  /// `CONVOY_ISA=portable`, `avx2` or `avx512` in the environment selects another.
  public static let current = chosen

  /// Every machine this processor can be, the slowest first.
  public static let available = availableHere

  /// The name: `portable`, `avx2`, `avx512`.
  public var name: String { unit.name }
  /// The floats of a vector register.
  public var vectorWidth: Int { unit.lanes }
  /// The number of vector registers.
  public var registerCount: Int { unit.registerCount }
  /// The independent sums that must be in flight at once to keep the multipliers busy.
  var chainCount: Int { unit.chainCount }
  /// The registers between a load and its use that hide the load's latency.
  var temporaryCount: Int { unit.temporaryCount }

  /// Whether kernels are generated for it.
  var generatesCode: Bool { unit.generatesCode }

  /// Whether stores and moves can leave some lanes of the destination unchanged.
  public var hasMasks: Bool { unit.hasMasks }

  /// Whether sums of planes with few channels can be spread over idle lanes.
  public var foldsPlanes: Bool { unit.addsNeighbours }

  /// The vector registers that hold the 16 channels of a plane's pixel.
  var vectorsPerPlane: Int { unit.vectorsPerPixel }

  /// The name.
  public var description: String { name }

  /// Two machines are equal if they have the same name: a name stands for one description.
  public static func == (a: Machine, b: Machine) -> Bool { a.name == b.name }

  /// Hashes the name.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
