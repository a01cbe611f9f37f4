package import ConvoyTensors

/// The pixels of one plane that a lane-wise tile covers, and those that its taps read.
///
/// Of a convolution the tile is one of outputs, which read the input; of a weight gradient it is one
/// of the output's gradient, and the image is read.
package struct LaneGeometry: Hashable, Sendable {
  /// The rows of a tile, which are consecutive rows of an image.
  package var rows: Int
  /// The columns of a tile.
  package var columns: Int
  /// The offsets of the taps, in pixels; those of a line are in order, and the least column is 0.
  package var taps: [Extents]
  /// Pixels from a row of the tile to the next in what is read.
  package var rowStep: Int
  /// Pixels from a column of the tile to the next in what is read.
  package var columnStep: Int
  /// How pixels are read.
  package var access: LaneReading

  /// Describes a tile.
  package init(
    rows: Int, columns: Int, taps: [Extents], rowStep: Int, columnStep: Int, access: LaneReading
  ) {
    self.rows = rows
    self.columns = columns
    self.taps = taps
    self.rowStep = rowStep
    self.columnStep = columnStep
    self.access = access
  }

  /// The number of pixels of a tile.
  package var pixels: Int { rows * columns }

  /// A line that a tile reads: depth and row.
  package typealias Line = SIMD2<Int>

  /// The line that a tap reads for a row of the tile.
  package func line(ofTap tap: Extents, row: Int) -> Line {
    Line(tap[0], tap[1] + row * rowStep)
  }

  /// The lines that a tile reads, in order; a step has a distance for each.
  package var lines: [Line] {
    var lines: [Line] = []
    for row in 0..<rows {
      for tap in taps {
        let line = line(ofTap: tap, row: row)
        // The lines are few, and mostly equal to the last: a set would not be faster.
        if lines.last != line, !lines.contains(line) { lines.append(line) }
      }
    }
    return lines.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }
  }
}

/// A tile that is written in the terms of a geometry.
protocol LaneWiseTile: TileDescription {
  var geometry: LaneGeometry { get }
}

extension LaneWiseTile {
  var rows: Int { geometry.rows }
  var columns: Int { geometry.columns }
  var taps: [Extents] { geometry.taps }
  var rowStep: Int { geometry.rowStep }
  var columnStep: Int { geometry.columnStep }
  var access: LaneReading { geometry.access }
}
