import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  /// Repetitions, and what keeps or makes a part of a matrix.
  static let masks: [String: Importing] = [
    "Tile": single(tile),
    "Trilu": single(triangle),
  ]

  /// Each dimension that is repeated becomes two: its repetitions, and its own.
  private static func tile(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let extents = value.shape.dimensions
    var counts = Array(repeating: 1, count: extents.count)
    if site.opset < 6 {
      // How often, and along which axis.
      let axis = try site.dimension(site.constant(2).wholeNumber(), ofRank: extents.count)
      counts[axis] = try site.constant(1).wholeNumber()
    } else {
      counts = try site.constant(1).integers()
    }
    guard counts.count == extents.count, counts.allSatisfy({ $0 >= 1 }) else {
      throw .refused(
        "a number of repetitions for each of \(extents.count) dimensions is expected, got \(counts)"
      )
    }
    var (table, repeated, tiled): ([Int], [Int], [Int]) = ([], [], [])
    for (extent, count) in zip(extents, counts) {
      if count > 1, extent > 1 {
        table += [1, extent]
        repeated += [count, extent]
      } else {
        table.append(extent)
        repeated.append(max(extent, count))
      }
      let (product, overflow) = extent.multipliedReportingOverflow(by: count)
      guard !overflow else { throw .refused("its result cannot be held") }
      tiled.append(product)
    }
    if tiled == extents { return value }
    let rows = table == extents ? value : value.reshaped(table)
    let repetition = site.apply(Repetition(to: try Shape(validating: repeated)), [rows])
    return repeated == tiled ? repetition : repetition.reshaped(tiled)
  }

  /// The part of matrices above or below one of their diagonals, and zeros elsewhere.
  private static func triangle(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    guard value.shape.rank >= 2 else { throw .refused("a matrix is expected, got \(value.shape)") }
    let isUpper = try site.attributes.flag("upper", default: true)
    let diagonal = try site.has(1) ? site.constant(1).wholeNumber() : 0
    let (rows, columns) = (
      value.shape[value.shape.rank - 2], value.shape[value.shape.rank - 1]
    )
    try site.importer.spend(rows * columns)
    let mask = (0..<rows).flatMap { row in
      (0..<columns).map { isUpper ? $0 - row >= diagonal : $0 - row <= diagonal }
    }
    return site.apply(
      Selection(),
      [
        value, site.scalar(0, value.type),
        site.builder.constant(try Tensor([rows, columns], elements: mask)),
      ])
  }
}
