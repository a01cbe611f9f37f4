import ConvoyTensors
import ConvoyTiles

/// The division of a Winograd convolution into chunks, and its cost: tiles are divided into blocks,
/// and each group's output planes into parts.
///
/// Larger blocks read the transformed weights less often, and suit the tiles of the products
/// better. Smaller blocks keep the transformed inputs and sums in the second-level cache. Each part
/// transforms the inputs again. The division is the one with the lowest estimated cost for two
/// threads; it does not depend on the actual number of threads.
struct WinogradCut: Hashable, Sendable {
  let tiles: Int
  /// The output planes of a group.
  let planes: Int
  /// The number of blocks of tiles.
  var blocks: Int
  /// The number of parts of a group's output planes.
  var parts: Int

  /// The tiles of a block.
  func block(_ index: Int) -> Range<Int> {
    index * tiles / blocks..<(index + 1) * tiles / blocks
  }

  /// The planes of a part, relative to the group's first.
  func part(_ index: Int) -> Range<Int> {
    index * planes / parts..<(index + 1) * planes / parts
  }

  /// The largest number of tiles of a block.
  var tilesPerBlock: Int { (tiles + blocks - 1) / blocks }
  /// The largest number of output planes of a part.
  var planesPerPart: Int { (planes + parts - 1) / parts }

  /// The division of a problem with the lowest cost, and that cost in multiplications of vectors.
  static func best(
    _ problem: ConvolutionProblem, _ machine: Machine
  ) -> (cut: WinogradCut, cost: Double) {
    guard let transform = WinogradTransform.of(problem) else {
      preconditionFailure("There is a fast form of 3×3 and 5×5 convolutions.")
    }
    let tiles = WinogradGrid(problem, size: transform.outputs).count
    let planes = problem.output.planes.count / problem.groups
    var best = (
      cut: WinogradCut(tiles: tiles, planes: planes, blocks: 1, parts: 1), cost: Double.infinity
    )
    for parts in 1...min(planes, 4) {
      for size in 1...min(tiles, 64) {
        let blocks = (tiles + size - 1) / size
        let cut = WinogradCut(tiles: tiles, planes: planes, blocks: blocks, parts: parts)
        let cost = cut.cost(problem, machine)
        if cost < best.cost { best = (cut, cost) }
      }
    }
    return best
  }

  // MARK: - Cost

  /// The cost of transforming a tile of a plane, for each vector of the plane, in multiplications:
  /// 144 additions and multiplications, and 90 loads and stores, some of which are executed at the
  /// same time.
  private static let transform = 190.0
  /// The cost of calling a micro-kernel.
  private static let call = 40.0
  /// The cost of loading a vector from memory, and from the cache after the second.
  private static let (fetch, refetch) = (16.0, 8.0)

  /// The cost of all chunks, in multiplications of vectors.
  private func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
    let points = WinogradTransform.points * WinogradTransform.points
    let chunks = problem.groups * blocks * parts
    let inputs = problem.inputsPerGroup
    let inputPlanes = (inputs + PlaneLayout.lanes - 1) / PlaneLayout.lanes
    let panels = DensePanels(
      rows: 1, columns: tilesPerBlock, planes: planesPerPart, machine: machine
    ).panels
    let step = panels.reduce(0) {
      $0 + Double(inputs) * $1.cost(rows: 1, columns: tilesPerBlock, machine) + WinogradCut.call
    }
    let products = Double(chunks * points) * step
    let tilePlanes = tilesPerBlock * (inputPlanes + planesPerPart)
    let transforms = Double(chunks * tilePlanes * machine.vectorsPerPlane) * WinogradCut.transform

    // A network's weights are read from memory once, and again for every block unless the
    // second-level cache holds them besides a chunk's own data. They are prefetched during the
    // products.
    let cache = machine.secondLevelCache / (machine.vectorWidth * Float.byteCount)
    let weights = points * inputs * planesPerPart * machine.vectorsPerPlane
    let values = points * tilePlanes * machine.vectorsPerPlane
    let again = weights + values > cache ? Double(blocks - 1) * WinogradCut.refetch : 0
    let weightTraffic = Double(problem.groups * parts * weights) * (WinogradCut.fetch + again)
    let valueTraffic = values > cache ? Double(chunks * 2 * values) * WinogradCut.refetch : 0

    // With an odd number of chunks, one of two threads computes one more.
    let imbalance = Double((chunks + 1) / 2 * 2) / Double(chunks)
    return imbalance * (max(products, weightTraffic) + transforms + valueTraffic)
  }
}
