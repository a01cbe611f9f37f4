import ConvoyTensors

/// Some pixels of a phase's grid: the same columns of consecutive rows.
struct PixelBlock: Hashable, Sendable {
  var rows: Range<Int>
  var columns: Range<Int>
}

/// One phase of a convolution, divided into chunks of an output plane and a block of its pixels.
struct PhaseWork: Equatable, Sendable {
  let phase: Phase
  let grid: PixelGrid
  /// The offset of the phase's packed weights.
  let weightStart: Int
  /// The number of blocks for each output plane.
  var chunkCount: Int { items.count }

  /// A single row is divided into pieces of columns, which are the items; of several rows, each is
  /// an item.
  private let items: Chunks
  /// The columns of an item.
  private let columnsPerItem: Int

  init(_ phase: Phase, _ problem: ConvolutionProblem, weightStart: Int, joinsImages: Bool) {
    self.phase = phase
    self.weightStart = weightStart
    grid = PixelGrid(
      phase, input: problem.input, output: problem.output, joinsImages: joinsImages)
    let most = 24
    let pieces = grid.rows == 1 ? (grid.columns + most - 1) / most : 1
    columnsPerItem = (grid.columns + pieces - 1) / pieces
    items = Chunks(
      items: grid.rows * pieces,
      cost: columnsPerItem * problem.inputsPerGroup * phase.taps.count * 8)
  }

  /// The pixels of a chunk.
  func block(ofChunk chunk: Int) -> PixelBlock {
    let items = items[chunk]
    guard grid.rows == 1 else { return PixelBlock(rows: items, columns: 0..<grid.columns) }
    let end = min(grid.columns, items.upperBound * columnsPerItem)
    return PixelBlock(rows: 0..<1, columns: items.lowerBound * columnsPerItem..<end)
  }
}

/// The work of all phases, and the mapping from a chunk's index to a phase, an output plane and a
/// block of the phase's pixels.
struct PhaseSchedule: Equatable, Sendable {
  let works: [PhaseWork]
  let planeCount: Int
  private let firstChunks: [Int]
  let chunkCount: Int

  init(_ problem: ConvolutionProblem, joinsImages: Bool) {
    let starts = WeightPacking.starts(problem)
    works = zip(problem.phases, starts).map {
      PhaseWork($0, problem, weightStart: $1, joinsImages: joinsImages)
    }
    planeCount = problem.output.planes.count
    var first = 0
    var firsts: [Int] = []
    for work in works {
      firsts.append(first)
      first += work.chunkCount * planeCount
    }
    firstChunks = firsts
    chunkCount = first
  }

  func locate(_ chunk: Int) -> (work: Int, plane: Int, block: PixelBlock) {
    var index = works.count - 1
    while firstChunks[index] > chunk { index -= 1 }
    let (plane, part) = (chunk - firstChunks[index]).quotientAndRemainder(
      dividingBy: works[index].chunkCount)
    return (index, plane, works[index].block(ofChunk: part))
  }
}
