import ConvoyTensors
package import ConvoyTiles

/// What kernels need to know of the processor, in one place: its registers, its caches, and how large tiles may
/// be. Which of the possible tiles a problem takes is estimated from that.
public struct Machine: Hashable, Sendable, CustomStringConvertible {
  /// The largest tile of a convolution's outputs that registers hold, for a number of planes.
  struct Tile: Hashable, Sendable {
    /// Pixels of 16 channels.
    var pixels: Int
    /// Planes that are computed together, so that each pixel read serves them all.
    var planes: Int
  }

  /// Its vector registers, and what writes code for them.
  package let unit: VectorUnit
  /// Bytes of first-level data cache.
  public let firstLevelCache: Int
  /// Bytes of second-level cache.
  public let secondLevelCache: Int
  /// Tiles where one number is broadcast to all lanes, one for each number of planes.
  let denseTiles: [Tile]
  /// The largest tile where each lane reads its own number, in rows and pixels of one plane.
  let laneTile: (rows: Int, sums: Int)

  /// The machine this program runs on, with the fastest instructions it has.
  ///
  /// `CONVOY_ISA=portable`, `avx2` or `avx512` in the environment asks for others.
  public static let current = chosen

  /// Every machine this processor can be, the slowest first.
  public static let available = availableHere

  /// What it is called: `portable`, `avx2`, `avx512`.
  public var name: String { unit.name }
  /// Floats in a vector register.
  public var vectorWidth: Int { unit.lanes }
  /// Vector registers.
  public var registerCount: Int { unit.registerCount }
  /// Sums that must be under way at once for the multipliers to be busy.
  var chainCount: Int { unit.chainCount }
  /// Registers between a load and its use that hide its latency.
  var temporaryCount: Int { unit.temporaryCount }

  /// Whether kernels are generated for it.
  var generatesCode: Bool { unit.generatesCode }

  /// Whether single lanes of a result may be left as they are.
  public var hasMasks: Bool { unit.hasMasks }

  /// Whether sums of planes with few channels can be spread over their idle lanes.
  public var foldsPlanes: Bool { unit.addsNeighbours }

  /// Vector registers that hold the 16 channels of a plane's pixel.
  var vectorsPerPlane: Int { unit.vectorsPerPixel }

  /// The name.
  public var description: String { name }

  /// Two machines are the same when they have the same name: a name stands for one description.
  public static func == (a: Machine, b: Machine) -> Bool { a.name == b.name }

  /// Hashes the name.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
