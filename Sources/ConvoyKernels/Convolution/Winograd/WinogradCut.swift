import ConvoyTensors

/// How a Winograd convolution is cut into chunks, and what it takes: of the tiles into blocks, of each
/// group's output planes into parts.
///
/// Larger blocks read the transformed weights less often, and cut better into the tiles of the
/// products; smaller ones keep the transformed inputs and sums in the second-level cache. Parts
/// transform the inputs once each. The cut chosen is the one estimated to take two threads least
/// time; it does not depend on how many there are.
struct WinogradCut: Hashable, Sendable {
  let tiles: Int
  /// Output planes of a group.
  let planes: Int
  /// Into how many blocks the tiles are cut.
  var blocks: Int
  /// Into how many parts a group's output planes are cut.
  var parts: Int

  /// The tiles of a block.
  func block(_ index: Int) -> Range<Int> {
    index * tiles / blocks..<(index + 1) * tiles / blocks
  }

  /// The planes of a part, counted from the group's first.
  func part(_ index: Int) -> Range<Int> {
    index * planes / parts..<(index + 1) * planes / parts
  }

  /// The most tiles of a block.
  var tilesPerBlock: Int { (tiles + blocks - 1) / blocks }
  /// The most output planes of a part.
  var planesPerPart: Int { (planes + parts - 1) / parts }

  /// The cut that takes a problem least time, and what it takes, in multiplications of vectors.
  static func best(_ problem: ConvolutionProblem, _ machine: Machine) -> (WinogradCut, cost: Double)
  {
    let tiles = WinogradGrid(problem).count
    let planes = problem.output.planes.count / problem.groups
    let first = WinogradCut(tiles: tiles, planes: planes, blocks: 1, parts: 1)
    var best = (first, cost: Double.infinity)
    for size in 1...min(tiles, 64) {
      for parts in 1...min(planes, 4) {
        var cut = first
        cut.blocks = (tiles + size - 1) / size
        cut.parts = parts
        let cost = cut.cost(problem, machine)
        if cost < best.cost { best = (cut, cost) }
      }
    }
    return best
  }

  /// What all chunks take, in multiplications of vectors.
  private func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
    let chunks = problem.groups * blocks * parts
    let chunk = Chunk(
      tiles: tilesPerBlock, inputs: problem.inputsPerGroup, planes: planesPerPart,
      machine: machine)
    // Of an odd number of chunks, one of two threads does one more.
    return chunk.cost * Double(2 * ((chunks + 1) / 2))
  }

  /// The size of a chunk, and what it takes.
  private struct Chunk {
    var tiles: Int
    var inputs: Int
    var planes: Int
    var machine: Machine

    private static let points = WinogradTransform.points * WinogradTransform.points
    /// What a transform of a tile of a plane takes, for each vector of the plane: 36 loads and stores
    /// and 144 additions and multiplications, some of them at the same time.
    private static let transform = 190.0
    /// Starting a kernel, in multiplications.
    private static let call = 40.0
    /// Bytes that come from the second-level cache, or from beyond it, while a vector is multiplied.
    private static let (near, far) = (32.0, 8.0)

    var cost: Double {
      let inputPlanes = (inputs + PlaneLayout.lanes - 1) / PlaneLayout.lanes
      let cut = BroadcastPanels(rows: 1, columns: tiles, planes: planes, machine: machine)
      let products = cut.panels.reduce(0) {
        $0 + Double(inputs) * $1.cost(rows: 1, columns: tiles, machine) + Chunk.call
      }
      let vectors = Double(tiles * (inputPlanes + planes) * machine.vectorsPerPlane)
      return Double(Chunk.points) * products + Chunk.transform * vectors
        + traffic(inputPlanes: inputPlanes)
    }

    private func traffic(inputPlanes: Int) -> Double {
      let pointBytes = Double(Chunk.points * PlaneLayout.lanes * 4)
      let weights = pointBytes * Double(inputs * planes)
      let values = 2 * pointBytes * Double(tiles * (inputPlanes + planes))
      let isNear = weights + values / 2 <= Double(machine.secondLevelCache)
      let areValuesNear = values / 2 <= Double(machine.secondLevelCache)
      return weights / (isNear ? Chunk.near : Chunk.far)
        + values / (areValuesNear ? Chunk.near : Chunk.far)
    }
  }
}
