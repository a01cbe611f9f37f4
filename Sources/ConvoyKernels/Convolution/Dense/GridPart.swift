import ConvoyTensors

/// A rectangle of a phase's output pixels in every slice of every image, and the taps that read the
/// image for some of these pixels. The other taps read only padding, and contribute nothing.
struct GridPart: Hashable, Sendable {
  let grid: PixelGrid
  /// The rows of each slice.
  let rowsOfSlice: Range<Int>
  let columns: Range<Int>
  /// The taps of the phase that read the image for some of the pixels.
  let taps: [Int]

  /// The rows of all slices together.
  var rowCount: Int { grid.rows / grid.rowsPerSlice * rowsOfSlice.count }

  /// The row of the grid that is the part's n-th.
  func row(_ index: Int) -> Int {
    let (slice, inSlice) = index.quotientAndRemainder(dividingBy: rowsOfSlice.count)
    return slice * grid.rowsPerSlice + rowsOfSlice.lowerBound + inSlice
  }
}

/// A division of a phase's grid into parts, with the lowest estimated cost: the whole grid, or
/// parts divided along its rows, its columns or both, where the set of contributing taps changes.
///
/// Each sum has its terms in the same order in every division.
struct GridCut: Sendable {
  let parts: [(part: GridPart, panels: DensePanels)]

  /// - Parameters:
  ///   - planes: the number of planes of outputs that are computed together.
  ///   - blocks: how often a sum goes through its taps: once for each input channel, or block of
  ///     them.
  init(
    _ phase: Phase, _ problem: ConvolutionProblem, planes: Int, blocks: Int, _ machine: Machine
  ) {
    let grid = PixelGrid(phase, input: problem.input, output: problem.output)
    let cuts = [[], [1], [2], [1, 2]].map { axes in
      let parts = grid.parts(phase, input: problem.input.extents, cut: axes).map { part in
        let panels = DensePanels(
          rows: part.rowCount, columns: part.columns.count, planes: planes, machine: machine)
        return (part: part, panels: panels)
      }
      let cost = parts.reduce(0) { cost, each in
        let steps = each.part.taps.count * blocks + GridCut.stepsOfTile
        return cost + each.panels.cost * Double(steps)
          + GridCut.costOfPart * Double(each.panels.panels.count)
      }
      return (parts: parts, cost: cost)
    }
    parts = cuts.min { $0.cost < $1.cost }?.parts ?? []
  }

  /// The steps of a sum that cost as much as the prologue and epilogue of a tile.
  private static let stepsOfTile = 3
  /// The approximate cost of scheduling a part's panel, in multiplications.
  private static let costOfPart = 1000.0
}

extension PixelGrid {
  /// The parts of a grid, divided at every change along some axes of the image.
  fileprivate func parts(_ phase: Phase, input: Extents, cut axes: [Int]) -> [GridPart] {
    let whole = (0..<3).map { 0..<phase.count[$0] }
    let ranges = (0..<3).map { axes.contains($0) ? phase.stretches($0, input) : [whole[$0]] }
    return ranges[1].flatMap { rows in
      ranges[2].map { columns in
        let box = [whole[0], rows, columns]
        let taps = phase.taps.indices.filter { tap in
          (0..<3).allSatisfy {
            phase.outputs(touching: input, $0, by: phase.taps[tap]).overlaps(box[$0])
          }
        }
        // A joined grid is a single row whose pixels all have the same taps: there is nothing to
        // divide.
        return isJoined
          ? GridPart(grid: self, rowsOfSlice: 0..<1, columns: 0..<self.columns, taps: taps)
          : GridPart(grid: self, rowsOfSlice: rows, columns: columns, taps: taps)
      }
    }
  }
}

extension Phase {
  /// The outputs along an axis for which a tap reads the image.
  fileprivate func outputs(touching input: Extents, _ axis: Int, by tap: Tap) -> Range<Int> {
    /// The first output that reads at or after a position.
    func first(at position: Int) -> Int {
      let distance = position - tap.offset[axis]
      return distance <= 0 ? 0 : min(count[axis], (distance - 1) / inputStep[axis] + 1)
    }
    return first(at: 0)..<first(at: input[axis])
  }

  /// The outputs along an axis, divided into stretches with the same taps.
  fileprivate func stretches(_ axis: Int, _ input: Extents) -> [Range<Int>] {
    var borders: Set = [0, count[axis]]
    for tap in taps {
      let outputs = outputs(touching: input, axis, by: tap)
      if !outputs.isEmpty { borders.formUnion([outputs.lowerBound, outputs.upperBound]) }
    }
    let sorted = borders.sorted()
    return zip(sorted, sorted.dropFirst()).map { $0..<$1 }
  }
}
