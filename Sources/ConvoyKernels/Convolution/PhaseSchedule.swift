import ConvoyTensors

/// One phase of a convolution, divided into chunks of an output plane and some of its rows.
struct PhaseWork: Equatable, Sendable {
  let phase: Phase
  let grid: PixelGrid
  /// The offset of the phase's packed weights.
  let weightStart: Int
  /// A single row is divided into blocks of columns; of several rows, each is an item.
  let blocksPerRow: Int
  let chunks: Chunks

  init(_ phase: Phase, _ problem: ConvolutionProblem, weightStart: Int, joinsImages: Bool) {
    self.phase = phase
    self.weightStart = weightStart
    grid = PixelGrid(
      phase, input: problem.input, output: problem.output, joinsImages: joinsImages)
    let block = 24
    blocksPerRow = grid.rows == 1 ? (grid.columns + block - 1) / block : 1
    let columns = grid.rows == 1 ? block : grid.columns
    chunks = Chunks(
      items: grid.rows * blocksPerRow,
      cost: columns * problem.inputsPerGroup * phase.taps.count * 8)
  }

  /// The row and columns of an item.
  func part(_ item: Int) -> (row: Int, columns: Range<Int>) {
    let (row, block) = item.quotientAndRemainder(dividingBy: blocksPerRow)
    guard blocksPerRow > 1 else { return (row, 0..<grid.columns) }
    let size = (grid.columns + blocksPerRow - 1) / blocksPerRow
    return (row, block * size..<min(grid.columns, (block + 1) * size))
  }
}

/// The work of all phases, and the mapping from a chunk's index to a phase, output plane and chunk
/// of the phase.
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
      first += work.chunks.count * planeCount
    }
    firstChunks = firsts
    chunkCount = first
  }

  func locate(_ chunk: Int) -> (work: Int, plane: Int, items: Range<Int>) {
    var index = works.count - 1
    while firstChunks[index] > chunk { index -= 1 }
    let (plane, part) = (chunk - firstChunks[index]).quotientAndRemainder(
      dividingBy: works[index].chunks.count)
    return (index, plane, works[index].chunks[part])
  }
}
