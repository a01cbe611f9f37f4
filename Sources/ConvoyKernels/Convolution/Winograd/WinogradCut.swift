import ConvoyTensors
import ConvoyTiles

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

  /// A transform of a tile of a plane, for each vector of the plane, in multiplications: 144 additions and
  /// multiplications, 90 loads and stores, some of them at the same time.
  private static let transform = 190.0
  /// Starting a kernel.
  private static let call = 40.0
  /// Fetching a vector from memory, and from the cache beyond the second.
  private static let (fetch, refetch) = (16.0, 8.0)

  /// What all chunks take, in multiplications of vectors.
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

    // A network's weights come from memory once, and again for every block unless the second-level
    // cache holds them beside what a chunk works on. They are fetched ahead, while products are made.
    let cache = machine.secondLevelCache / (machine.vectorWidth * Float.byteCount)
    let weights = points * inputs * planesPerPart * machine.vectorsPerPlane
    let values = points * tilePlanes * machine.vectorsPerPlane
    let again = weights + values > cache ? Double(blocks - 1) * WinogradCut.refetch : 0
    let weightTraffic = Double(problem.groups * parts * weights) * (WinogradCut.fetch + again)
    let valueTraffic = values > cache ? Double(chunks * 2 * values) * WinogradCut.refetch : 0

    // Of an odd number of chunks, one of two threads does one more.
    let imbalance = Double((chunks + 1) / 2 * 2) / Double(chunks)
    return imbalance * (max(products, weightTraffic) + transforms + valueTraffic)
  }
}
