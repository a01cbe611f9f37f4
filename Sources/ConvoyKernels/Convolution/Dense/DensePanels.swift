import ConvoyTiles

/// How a grid of output pixels and a number of planes are divided into the tiles of generated
/// micro-kernels.
///
/// Planes are divided into panels of up to four, each panel's pixels into bands of rows, and each
/// band into tiles. Smaller tiles cover the remainder at the right and at the bottom, so that no
/// superfluous output is computed. The division is the one with the lowest estimated cost.
struct DensePanels: Hashable, Sendable {
  /// Planes that are computed together, and the shape of their tiles.
  struct Panel: Hashable, Sendable {
    var planes: Range<Int>
    var rows: Int
    var columns: Int

    /// The approximate cost of one step of a grid of pixels, in multiplications.
    func cost(rows gridRows: Int, columns gridColumns: Int, _ machine: Machine) -> Double {
      func band(_ height: Int) -> Double {
        guard height > 0 else { return 0 }
        let (whole, rest) = gridColumns.quotientAndRemainder(dividingBy: columns)
        return Double(whole) * machine.cost(pixels: height * columns, planes: planes.count)
          + (rest > 0 ? machine.cost(pixels: height * rest, planes: planes.count) : 0)
      }
      return Double(gridRows / rows) * band(rows) + band(gridRows % rows)
    }
  }

  let panels: [Panel]
  /// The approximate cost of one step of the grid for all planes, in multiplications.
  let cost: Double

  init(rows: Int, columns: Int, planes: Int, machine: Machine) {
    let best = machine.denseTiles.map {
      DensePanels.best($0, rows: rows, columns: columns, machine: machine)
    }
    let cut = PanelCut(
      0..<planes, zip(machine.denseTiles, best).map { ($0.planes, $1.cost) })
    panels = cut.panels.map { panel in
      Panel(
        planes: panel.planes, rows: best[panel.choice].rows, columns: best[panel.choice].columns)
    }
    cost = cut.cost
  }

  /// The shape of at most a tile's pixels with the lowest cost for a grid.
  private static func best(
    _ tile: Machine.Tile, rows: Int, columns: Int, machine: Machine
  ) -> (cost: Double, rows: Int, columns: Int) {
    var best = (cost: Double.infinity, rows: 1, columns: 1)
    for height in 1...min(rows, tile.pixels, CommonField.maximalRows) {
      for width in 1...min(columns, tile.pixels / height) {
        let panel = Panel(planes: 0..<tile.planes, rows: height, columns: width)
        let cost = panel.cost(rows: rows, columns: columns, machine)
        if cost < best.cost { best = (cost, height, width) }
      }
    }
    return best
  }
}

extension Machine {
  /// The approximate cost of one step of a dense tile, in multiplications: the tile's own
  /// multiplications, but at least as many as must be in flight, plus a share for each load and for
  /// the loop.
  func cost(pixels: Int, planes: Int) -> Double {
    let vectors = planes * vectorsPerPlane
    let loads = pixels + vectors
    return Double(max(pixels * vectors, chainCount)) + 0.05 * Double(loads) + 1
  }
}
