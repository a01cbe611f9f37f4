import ConvoyTensors
import ConvoyTiles

/// Rows of a maximum's windows in scratch memory: for each window, the index of the first of its
/// largest elements, and the gradient. See `FirstLargestTile`.
///
/// A class, because kernels retain it for every row.
final class FirstLargestRows: Equatable, Sendable {
  private let problem: PoolingProblem
  private let runs: [Run]
  /// The windows before the first one that the tiles of the image's row read.
  private let margin: Int
  /// The number of windows that they read.
  private let count: Int
  /// The description of windows for the tiles of the image's row.
  let window: PoolingGradientTile.Geometry

  /// Neighbouring windows that contain the same columns of the window's shape.
  private struct Run: Equatable, Sendable {
    var positions: Range<Int>
    let tiles: TileFunctions
  }

  /// The largest number of elements of a window.
  private static let maximalElements = 256
  /// The largest number of columns of a window, each of which has its own code.
  private static let maximalColumns = 16

  /// Refuses windows that no generated code can compute.
  private static func check(
    _ problem: PoolingProblem, _ window: PoolingGradientTile.Geometry, _ machine: Machine
  ) throws(Refusal) {
    let columns = problem.kernel[2]
    if columns > maximalColumns {
      throw Refusal("lines of \(columns) elements make too much code")
    }
    let elements = problem.kernel.volume
    if elements > maximalElements {
      throw Refusal("its windows have \(elements) elements, which are too many")
    }
    let most = PoolingGradientTile.maximalColumns(machine.unit)
    if window.step > most {
      throw Refusal("its windows are \(window.step) columns apart, more than \(most)")
    }
    // Distances in bytes are 32-bit constants in the code.
    if problem.dilation[2] > 1 << 16 {
      throw Refusal("its pixels are further apart than generated code can say")
    }
  }

  /// Whether both compute the same rows.
  static func == (a: FirstLargestRows, b: FirstLargestRows) -> Bool {
    a.problem == b.problem && a.runs == b.runs
  }

  private static func window(of problem: PoolingProblem) -> PoolingGradientTile.Geometry {
    let span = (problem.kernel[2] - 1) * problem.dilation[2] + 1
    // The step of a single window is arbitrary, as long as windows beside it, whose values are
    // undefined, would not overlap it.
    let step = problem.output.extents[2] == 1 ? span : problem.stride[2]
    return PoolingGradientTile.Geometry(
      taps: problem.kernel[2], tapStep: problem.dilation[2], step: step,
      phase: problem.before[2] % step)
  }

  init(_ problem: PoolingProblem, _ machine: Machine) throws(Refusal) {
    let window = FirstLargestRows.window(of: problem)
    try FirstLargestRows.check(problem, window, machine)
    self.problem = problem
    self.window = window
    let before = problem.before[2]
    let first = (before - (window.taps - 1) * window.tapStep)
      .flooredQuotientAndRemainder(dividingBy: window.step).quotient
    margin = max(0, -first)
    let last = (before + problem.image.extents[2] - 1) / window.step
    count = margin + max(last + 1, problem.output.extents[2])
    var runs: [Run] = []
    for positions in FirstLargestRows.runs(of: problem) {
      let most = machine.laneTile.sums / 2
      let count = (positions.count + most - 1) / most
      let tiles = TileFunctions(
        rows: 1, columns: (positions.count + count - 1) / count, gridRows: 1,
        gridColumns: positions.count
      ) { _, columns in
        FirstLargestTile(
          unit: machine.unit, taps: problem.axes[2][positions.lowerBound].count,
          tapStep: problem.dilation[2], columns: columns, columnStep: window.step)
      }
      guard let tiles else { throw .noMemoryForCode }
      runs.append(Run(positions: positions, tiles: tiles))
    }
    self.runs = runs
  }

  /// Runs of output columns whose windows have the same number of columns before the image, and in
  /// it.
  private static func runs(of problem: PoolingProblem) -> [Range<Int>] {
    func shape(_ position: Int) -> [Int] {
      [problem.skipped(axis: 2, position), problem.axes[2][position].count]
    }
    var runs: [Range<Int>] = []
    for position in problem.axes[2].indices {
      if let last = runs.last, shape(last.lowerBound) == shape(position) {
        runs[runs.count - 1] = last.lowerBound..<position + 1
      } else {
        runs.append(position..<position + 1)
      }
    }
    return runs
  }

  /// The floats of a row of windows: two pixels for each.
  var size: Int { count * 2 * PlaneLayout.lanes }

  /// Floats from a row's beginning to the window of the image's first column.
  var start: Int { (margin + problem.before[2] / window.step) * 2 * PlaneLayout.lanes }

  /// The floats of the indices of a window's elements, each stored 8 times to fill a vector.
  var numberCount: Int { problem.kernel.volume * 8 }

  /// Stores the indices of a window's elements.
  func writeNumbers(to place: UnsafeMutablePointer<Float>) {
    for number in 0..<problem.kernel.volume {
      (place + number * 8).update(repeating: Float(number), count: 8)
    }
  }

  /// Floats from the index of a window's first element to that of a line's first element.
  func numbers(ofLine slice: Int, _ row: Int) -> Int {
    (slice * problem.kernel[1] + row) * problem.kernel[2] * 8
  }

  /// Marks the windows that do not exist: no element of theirs is the largest.
  func clearMargins(of row: UnsafeMutablePointer<Float>) {
    let after = margin + problem.output.extents[2]
    for window in [0..<margin, after..<count].joined() {
      (row + window * 2 * PlaneLayout.lanes).update(repeating: -1, count: PlaneLayout.lanes)
    }
  }

  /// Computes a row of windows.
  ///
  /// - Parameters:
  ///   - slice: the windows' slice, and their row.
  ///   - image: an image's plane, and the row's gradient.
  ///   - numbers: the indices of a window's elements.
  ///   - lines: space for two words for each line of a window.
  func make(
    _ slice: Int, _ row: Int, _ image: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
    into place: UnsafeMutablePointer<Float>, numbers: UnsafePointer<Float>,
    lines: UnsafeMutablePointer<Int>, _ arguments: TileArguments<FirstLargestField>
  ) {
    let (z, y) = problem.rowSpans(slice: slice, row: row)
    let (zSkipped, ySkipped) = (problem.skipped(axis: 0, slice), problem.skipped(axis: 1, row))
    var lineCount = 0
    for line in 0..<z.count {
      for row in 0..<y.count {
        lines[2 * lineCount] =
          Float.byteCount * problem.image.distance(Extents(line, row, 0) * problem.dilation)
        lines[2 * lineCount + 1] =
          Float.byteCount * self.numbers(ofLine: zSkipped + line, ySkipped + row)
        lineCount += 1
      }
    }
    arguments.set(.lines, UnsafePointer(lines))
    arguments.set(.lineCount, lineCount)
    for run in runs {
      let first = run.positions.lowerBound
      let start = problem.axes[2][first].start
      arguments.set(.numbers, numbers + problem.skipped(axis: 2, first) * 8)
      run.tiles.run(rows: 1, columns: 0..<run.positions.count, arguments) { column in
        let left = start + column * problem.stride[2]
        arguments.set(.inputs, image + problem.image.offset(Extents(z.start, y.start, left)))
        arguments.set(.inputs, at: 1, gradient + (first + column) * PlaneLayout.lanes)
        arguments.set(.outputs, place + (margin + first + column) * 2 * PlaneLayout.lanes)
      }
    }
  }
}

/// Rows of an average's windows in scratch memory: the contribution of a row of windows to the
/// gradient of each column of the image.
///
/// A class, because kernels retain it for every row.
final class AverageShareRows: Equatable, Sendable {
  private let problem: PoolingProblem
  private let scales: [Float]

  init(_ problem: PoolingProblem) {
    self.problem = problem
    scales = problem.axes[2].map { 1 / Float($0.divisor) }
  }

  /// Whether both compute the same rows.
  static func == (a: AverageShareRows, b: AverageShareRows) -> Bool { a.problem == b.problem }

  /// The floats of a row: a pixel for each column of the image.
  var size: Int { problem.image.extents[2] * PlaneLayout.lanes }

  /// Computes a row.
  ///
  /// - Parameters:
  ///   - slice: the windows' slice, and their row.
  ///   - gradient: the row's gradient.
  func make(
    _ slice: Int, _ row: Int, _ gradient: UnsafePointer<Float>,
    into place: UnsafeMutablePointer<Float>
  ) {
    let (z, y) = problem.rowSpans(slice: slice, row: row)
    let lanes = PlaneLayout.lanes
    place.update(repeating: 0, count: size)
    let scale = 1 / Float(z.divisor * y.divisor)
    for (output, span) in problem.axes[2].enumerated() {
      let share = (gradient + output * lanes).lanes * (scale * scales[output])
      var sum = place + span.start * lanes
      for _ in 0..<span.count {
        sum.lanes += share
        sum += problem.dilation[2] * lanes
      }
    }
  }
}
