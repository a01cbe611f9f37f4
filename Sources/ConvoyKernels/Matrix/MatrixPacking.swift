import ConvoyTensors

/// The packed form of the second matrices of generated products: panels of 16 columns, with a row
/// of 16 numbers for each row of the matrix; and the remaining columns.
///
/// Where the machine can, n ≤ 8 remaining columns are spread over idle lanes: lane o·f + s of a row
/// belongs to column o and to row s of blocks of f, so that one multiplication computes f products
/// for each column. See `PlaneFolding`.
struct MatrixPanels: Hashable, Sendable {
  let inner: Int
  let columns: Int
  /// Panels of 16 columns that are packed; the others are read in place.
  let packedPanels: Int
  /// The number of lanes that each remaining column's sum is spread over.
  let factor: Int

  init(_ problem: MatrixProductProblem, isPacked: Bool, _ machine: Machine) {
    inner = problem.inner
    columns = problem.columns
    let rest = problem.columns % PlaneLayout.lanes
    packedPanels = isPacked ? problem.columns / PlaneLayout.lanes : 0
    let (lanes, inner) = (PlaneLayout.lanes, inner)
    factor =
      machine.foldsPlanes && rest > 0
      ? [16, 8, 4, 2].first { $0 * rest <= lanes && $0 <= inner } ?? 1 : 1
  }

  /// Panels of 16 columns.
  var wholePanels: Int { columns / PlaneLayout.lanes }
  /// The remaining columns.
  var rest: Int { columns % PlaneLayout.lanes }
  /// The first row of the matrix of each step of the remaining columns' sums. A step has `factor`
  /// rows; those of the last step may overlap those of the step before.
  var steps: [Int] {
    stride(from: 0, to: inner, by: factor).map { min($0, inner - factor) }
  }
  /// Floats of a whole panel.
  var panelSize: Int { inner * PlaneLayout.lanes }
  /// Floats of the remaining columns.
  var restSize: Int { rest == 0 ? 0 : (inner + factor - 1) / factor * PlaneLayout.lanes }
  /// Floats of a packed matrix.
  var size: Int { packedPanels * panelSize + restSize }
}

/// Packs matrices: see `MatrixPanels`. A chunk is a panel of one matrix.
struct MatrixPacking: Kernel {
  let name = "pack matrix"
  let panels: MatrixPanels
  let matrices: Int
  let source: Region
  let destination: Region

  private var panelsPerMatrix: Int { panels.packedPanels + (panels.rest > 0 ? 1 : 0) }

  var chunkCount: Int { matrices * panelsPerMatrix }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (matrix, panel) = chunk.quotientAndRemainder(dividingBy: panelsPerMatrix)
    let from = memory[source] + matrix * panels.inner * panels.columns
    let to = memory[destination] + matrix * panels.size + panel * panels.panelSize
    let lanes = PlaneLayout.lanes
    if panel < panels.packedPanels {
      for row in 0..<panels.inner {
        (to + row * lanes).lanes =
          UnsafePointer(from + row * panels.columns + panel * lanes).unalignedLanes
      }
    } else {
      packRest(UnsafePointer(from + panels.wholePanels * lanes), to: to)
    }
  }

  /// Packs the remaining columns. Rows of the last step that the step before includes are 0.
  private func packRest(_ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
    let factor = panels.factor
    var fresh = 0
    for (step, first) in panels.steps.enumerated() {
      var row = Lanes.zero
      for column in 0..<panels.rest {
        for part in 0..<factor where first + part >= fresh {
          row[column * factor + part] = source[(first + part) * panels.columns + column]
        }
      }
      fresh = first + factor
      (target + step * PlaneLayout.lanes).lanes = row
    }
  }
}
