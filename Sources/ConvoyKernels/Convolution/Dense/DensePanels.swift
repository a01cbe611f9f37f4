import ConvoyTiles

/// How a grid of output pixels and a number of planes are cut into the tiles of generated kernels.
///
/// Planes are cut into panels of up to four, each panel's pixels into bands of rows, each band into
/// tiles side by side. What is left over at the right and at the bottom is done by smaller tiles, so
/// nothing is computed that is not wanted; the cut is the one whose tiles are estimated to take the least
/// time.
struct DensePanels: Hashable, Sendable {
  /// Planes that are computed together, and the shape of their tiles.
  struct Panel: Hashable, Sendable {
    var planes: Range<Int>
    var rows: Int
    var columns: Int

    /// What one step of a grid of pixels takes, about, in multiplications.
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
  /// What one step of the grid takes with all planes, about, in multiplications.
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

  /// The shape of at most a tile's pixels that takes a grid least time.
  private static func best(
    _ tile: Machine.Tile, rows: Int, columns: Int, machine: Machine
  ) -> (cost: Double, rows: Int, columns: Int) {
    var best = (cost: Double.infinity, rows: 1, columns: 1)
    for height in 1...min(rows, tile.pixels, TileArguments.maximalRows) {
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
  /// What one step of a dense tile takes, about, in multiplications: its own, or as many as must be
  /// under way; a little for each load, and for the loop itself.
  func cost(pixels: Int, planes: Int) -> Double {
    let vectors = planes * vectorsPerPlane
    let loads = pixels + vectors
    return Double(max(pixels * vectors, chainCount)) + 0.05 * Double(loads) + 1
  }
}
