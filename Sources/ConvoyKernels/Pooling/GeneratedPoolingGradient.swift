import ConvoyTensors
import ConvoyTiles

/// The gradient of a pooling's image by generated micro-kernels: see `PoolingGradientTile`.
///
/// Each row of the image's gradient is stored once, from the rows of windows that contain it. A row
/// of windows is computed in scratch memory when it is first needed, and is kept as long as a later
/// row of the image may need it. A chunk recomputes the rows of windows that it shares with the
/// chunk before.
struct GeneratedPoolingGradient: DirectMethod {
  typealias Problem = PoolingGradientProblem
  typealias Operands = PoolingGradientOperands

  static let title = "generated pooling gradient"
  let name: String
  private let problem: PoolingProblem
  private let result: PlaneLayout
  private let windows: Windows
  private let tiles: TileFunctions
  private let rowStride: Int
  private let chunks: Chunks
  /// The largest number of slices and rows of windows that contain one element: as many are kept.
  private let kept: Kept

  private struct Kept: Equatable, Sendable {
    var slices: Int
    var rows: Int
  }

  /// How rows of windows are computed.
  private enum Windows: Equatable, Sendable {
    case largest(FirstLargestRows)
    case average(AverageShareRows)
  }

  init(_ problem: PoolingGradientProblem, _ settings: KernelSettings) throws(Refusal) {
    let machine = settings.machine
    try Refusal.unlessGenerating(machine)
    try problem.pooling.requireElements()
    name = "\(machine.name) pooling gradient"
    let pooling = problem.pooling
    self.problem = pooling
    result = problem.result
    var window: PoolingGradientTile.Geometry?
    if pooling.function == .maximum {
      let rows = try FirstLargestRows(pooling, machine)
      windows = .largest(rows)
      window = rows.window
    } else {
      windows = .average(AverageShareRows(pooling))
    }
    let (step, most) = (window?.step ?? 1, machine.laneTile.sums)
    let width = pooling.image.extents[2]
    let tiles = TileFunctions(
      rows: 1, columns: max(step, most / step * step), gridRows: 1, gridColumns: width
    ) { _, columns in PoolingGradientTile(unit: machine.unit, window: window, columns: columns) }
    guard let tiles else { throw .noMemoryForCode }
    self.tiles = tiles
    let counts = (0..<2).map { axis in
      let span = (pooling.kernel[axis] - 1) * pooling.dilation[axis]
      return min(pooling.output.extents[axis], span / pooling.stride[axis] + 1)
    }
    kept = Kept(slices: counts[0], rows: counts[1])
    rowStride = result.rowStride
    let rows = result.planes.count * result.batch * result.extents[0] * result.extents[1]
    // Some nanoseconds for each pixel, as for elementwise operations of several operands.
    chunks = Chunks(items: rows, cost: width * 8)
  }

  var chunkCount: Int { chunks.count }

  var detail: String { TileFunctions.text([(tiles, 1)]) }
  var scratchCount: Int { kept.slices * kept.rows * rowSize + numberCount }

  /// Floats of a row of windows.
  private var rowSize: Int {
    switch windows {
    case .largest(let rows): rows.size
    case .average(let rows): rows.size
    }
  }

  /// The floats after the rows, in which a maximum stores the indices of a window's elements.
  private var numberCount: Int {
    if case .largest(let rows) = windows { rows.numberCount } else { 0 }
  }

  /// Computes the gradient of some rows of the image.
  func run(
    chunk: Int, at operands: PoolingGradientOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let slots = kept.slices * kept.rows
    let lines = problem.kernel[0] * problem.kernel[1]
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 3 * slots + 2 * lines) { words in
      TileArguments<PoolingGradientField>.with { arguments in
        // There is at least one slot, so the buffer has an address.
        let held = words.baseAddress.unsafelyUnwrapped
        let work = Work(
          scratch: scratch, numbers: scratch + slots * rowSize,
          arguments: arguments,
          held: held, sources: held + slots, lines: held + 3 * slots)
        held.update(repeating: -1, count: slots)
        if case .largest(let rows) = windows {
          rows.writeNumbers(to: work.numbers)
          for slot in 0..<slots { rows.clearMargins(of: scratch + slot * rows.size) }
        }
        forEachSlice(inChunk: chunk, operands, memory) { slice in
          for row in slice.rows { makeRow(row, of: slice, work) }
        }
      }
    }
  }

  /// The scratch memory of one chunk.
  private struct Work {
    let scratch: UnsafeMutablePointer<Float>
    /// The indices of a window's elements.
    let numbers: UnsafeMutablePointer<Float>
    let arguments: TileArguments<PoolingGradientField>
    /// For each slot of scratch memory, the number of the row of windows that it holds.
    let held: UnsafeMutablePointer<Int>
    /// For each row of windows that contains a row of the image, the two words that the tile reads.
    let sources: UnsafeMutablePointer<Int>
    /// Space for a window's lines.
    let lines: UnsafeMutablePointer<Int>
  }

  /// Some rows of a slice, with the addresses of the slice, its image and the image's gradient.
  private struct Slice {
    let z: Int
    let rows: Range<Int>
    /// The number of the first row of windows of the image, counted over all images and planes.
    let firstNumber: Int
    let result: UnsafeMutablePointer<Float>
    let image: UnsafePointer<Float>
    let gradient: UnsafePointer<Float>
  }

  /// Calls a closure with the rows of a chunk, slice by slice.
  @inline(__always)
  private func forEachSlice(
    inChunk chunk: Int, _ operands: PoolingGradientOperands, _ memory: Memory,
    _ body: (Slice) -> Void
  ) {
    let rows = chunks[chunk]
    let (height, depth, batch) = (result.extents[1], result.extents[0], result.batch)
    var next = rows.lowerBound
    while next < rows.upperBound {
      let (slices, y) = next.quotientAndRemainder(dividingBy: height)
      let (images, z) = slices.quotientAndRemainder(dividingBy: depth)
      let (plane, image) = images.quotientAndRemainder(dividingBy: batch)
      let count = min(height - y, rows.upperBound - next)
      body(
        Slice(
          z: z, rows: y..<y + count,
          firstNumber: images * problem.output.extents[0] * problem.output.extents[1],
          result: operands.result.start(of: plane, in: memory) + image * result.imageStride
            + result.offset(Extents(z, 0, 0)),
          image: operands.image.start(of: plane, in: memory)
            + image * problem.image.imageStride,
          gradient: operands.gradient.start(of: plane, in: memory)
            + image * problem.output.imageStride))
      next += count
    }
  }

  private func makeRow(_ y: Int, of slice: Slice, _ work: Work) {
    var count = 0
    problem.forEachWindow(holding: slice.z, axis: 0) { z, zTap in
      problem.forEachWindow(holding: y, axis: 1) { row, yTap in
        let address = windows(z, row, of: slice, work)
        work.sources[2 * count] = Int(bitPattern: address)
        if case .largest(let rows) = windows {
          work.sources[2 * count] = Int(bitPattern: address + rows.start)
          work.sources[2 * count + 1] = Int(
            bitPattern: work.numbers + rows.numbers(ofLine: zTap, yTap))
        }
        count += 1
      }
    }
    let arguments = work.arguments
    let target = slice.result + y * rowStride
    var passed = 0
    tiles.run(rows: 1, columns: 0..<result.extents[2], arguments) { column in
      let next = offset(ofColumn: column)
      for source in 0..<count { work.sources[2 * source] += (next - passed) * Float.byteCount }
      passed = next
      arguments.set(.rowCount, count)
      arguments.set(.rows, UnsafePointer(work.sources))
      arguments.set(.outputs, target + column * PlaneLayout.lanes)
    }
  }

  /// Floats in a row of windows before those of a tile that begins at a given column.
  private func offset(ofColumn column: Int) -> Int {
    switch windows {
    case .largest(let rows): column / rows.window.step * 2 * PlaneLayout.lanes
    case .average: column * PlaneLayout.lanes
    }
  }

  /// The address of a row of windows, which is computed unless a slot still holds it.
  private func windows(
    _ z: Int, _ row: Int, of slice: Slice, _ work: Work
  ) -> UnsafeMutablePointer<Float> {
    let slot = z % kept.slices * kept.rows + row % kept.rows
    let number = slice.firstNumber + z * problem.output.extents[1] + row
    let place = work.scratch + slot * rowSize
    if work.held[slot] == number { return place }
    work.held[slot] = number
    let gradient = slice.gradient + problem.output.offset(Extents(z, row, 0))
    switch windows {
    case .largest(let rows):
      rows.make(
        z, row, slice.image, gradient, into: place, numbers: work.numbers, lines: work.lines,
        work.arguments.arguments(of: FirstLargestField.self))
    case .average(let rows): rows.make(z, row, gradient, into: place)
    }
    return place
  }
}

extension PoolingProblem {
  /// Calls a closure with each output position along an axis whose window contains a position of
  /// the image, and with the index of that position in the window.
  @inline(__always)
  func forEachWindow(holding position: Int, axis: Int, _ body: (_ window: Int, _ tap: Int) -> Void)
  {
    let (fromFirst, step) = (position + before[axis], dilation[axis])
    let last = min(fromFirst / stride[axis], output.extents[axis] - 1)
    let skipped = fromFirst - (kernel[axis] - 1) * step
    var window = skipped <= 0 ? 0 : (skipped + stride[axis] - 1) / stride[axis]
    while window <= last {
      let (tap, rest) = (fromFirst - window * stride[axis]).quotientAndRemainder(dividingBy: step)
      if rest == 0 { body(window, tap) }
      window += 1
    }
  }
}
