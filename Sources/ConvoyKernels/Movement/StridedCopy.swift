package import ConvoyTensors

/// Copies a box of elements between two row-major tensors, each with its own strides: transposes,
/// slices, pads, repeats and concatenates.
///
/// The box is cut into tables: columns are the dimension whose elements are closest in the target,
/// rows the one whose elements are closest in the source. Where these differ, a table is
/// transposed, in blocks that stay in the first-level cache.
package struct StridedCopy: Kernel {
  /// See `Kernel.name`.
  package let name = "copy"
  private let source: Region
  private let target: Region
  private let elementSize: Int
  private let tables: CopyTables
  private let chunks: Chunks

  /// - Parameters:
  ///   - extents: the extents of the box.
  ///   - type: the elements' type, of which only the size matters.
  ///   - source: the region of the first element that is read.
  ///   - sourceStrides: elements between neighbours that are read; 0 repeats an element.
  ///   - target: the region of the first element that is written.
  ///   - targetStrides: elements between neighbours that are written.
  package init(
    _ extents: [Int], of type: ElementType = .float32, from source: Region,
    strides sourceStrides: [Int], to target: Region, strides targetStrides: [Int]
  ) {
    elementSize = type.size
    self.source = source
    self.target = target
    tables = CopyTables(extents, sourceStrides, targetStrides)
    chunks = Chunks(items: tables.blockCount, cost: tables.blockRows * tables.blockColumns)
  }

  /// Copies contiguous elements.
  package init(
    contiguous count: Int, of type: ElementType = .float32, from source: Region, to target: Region
  ) {
    self.init([count], of: type, from: source, strides: [1], to: target, strides: [1])
  }

  /// Copies a tensor with the channels last to one of a shape with the channels first.
  package init(
    channelsFirst shape: Shape, of type: ElementType, from source: Region, to target: Region
  ) {
    let (image, channels) = (shape.elementCount / shape[0], shape[1])
    let pixels = image / channels
    self.init(
      [shape[0], channels, pixels], of: type, from: source, strides: [image, 1, channels],
      to: target, strides: [image, pixels, 1])
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// See `Kernel.detail`.
  package var detail: String { tables.description }

  /// Copies some blocks.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    switch elementSize {
    case 1: copy(chunk, memory, as: UInt8.self)
    case 2: copy(chunk, memory, as: UInt16.self)
    case 4: copy(chunk, memory, as: UInt32.self)
    default: copy(chunk, memory, as: UInt64.self)
    }
  }

  @inline(__always)
  private func copy<Bits: SIMDScalar>(_ chunk: Int, _ memory: Memory, as type: Bits.Type) {
    let (from, to) = (UnsafePointer(memory[source, as: type]), memory[target, as: type])
    tables.forEachBlock(of: chunks[chunk]) { block in
      copy(block, from + block.source, to + block.target)
    }
  }

  @inline(__always)
  private func copy<Bits: SIMDScalar>(
    _ block: CopyTables.Block, _ from: UnsafePointer<Bits>, _ to: UnsafeMutablePointer<Bits>
  ) {
    let (rows, columns) = (tables.rows, tables.columns)
    if columns.source == 1, columns.target == 1 {
      for row in 0..<block.rows {
        let (line, result) = (from + row * rows.source, to + row * rows.target)
        if block.columns >= 16 {
          result.update(from: line, count: block.columns)
        } else {
          // A call would take longer.
          for column in 0..<block.columns { result[column] = line[column] }
        }
      }
    } else if rows.source == 1, columns.target == 1, block.rows >= 4, block.columns >= 4 {
      transposeTable(
        from, to, rows: block.rows, columns: block.columns, sourceStride: columns.source,
        targetStride: rows.target)
    } else {
      for row in 0..<block.rows {
        let (line, result) = (from + row * rows.source, to + row * rows.target)
        for column in 0..<block.columns {
          result[column * columns.target] = line[column * columns.source]
        }
      }
    }
  }
}

/// A box of elements of a source and a target, cut into tables, and these into blocks.
private struct CopyTables: Sendable, CustomStringConvertible {
  /// A dimension: its extent, and elements between neighbours.
  struct Dimension: Sendable {
    var extent: Int
    var source: Int
    var target: Int
  }

  /// A part of a table: where it begins, and its extents.
  struct Block {
    var source: Int
    var target: Int
    var rows: Int
    var columns: Int
  }

  let rows: Dimension
  let columns: Dimension
  /// The largest extents of a block.
  let blockRows: Int
  let blockColumns: Int
  private let rowBlocks: Int
  private let columnBlocks: Int
  /// The other dimensions: a table for each of their positions.
  private let others: [Dimension]

  var blockCount: Int { others.reduce(rowBlocks * columnBlocks) { $0 * $1.extent } }

  var description: String {
    let kind =
      columns.source == 1 && columns.target == 1
      ? "lines of neighbours" : rows.source == 1 ? "transposed" : "numbers apart"
    return "\(blockCount) tables of \(blockRows)×\(blockColumns), \(kind)"
  }

  init(_ extents: [Int], _ sourceStrides: [Int], _ targetStrides: [Int]) {
    let walk = StridedWalk(extents, [sourceStrides, targetStrides])
    var dimensions = walk.dimensions.map {
      Dimension(extent: $0.extent, source: $0.strides[0], target: $0.strides[1])
    }
    let single = Dimension(extent: 1, source: 0, target: 0)
    func removeFirst(by distance: (Dimension) -> Int) -> Dimension {
      guard
        let index = dimensions.indices.min(by: {
          distance(dimensions[$0]) < distance(dimensions[$1])
        })
      else { return single }
      return dimensions.remove(at: index)
    }
    columns = removeFirst { abs($0.target) }
    // Elements that are repeated are close to one another, and are no line.
    rows = removeFirst { $0.source == 0 ? Int.max : abs($0.source) }
    others = dimensions
    let isTransposed = columns.source != 1 || columns.target != 1
    (blockRows, blockColumns) =
      isTransposed
      ? (min(rows.extent, 64), min(columns.extent, 64))
      : (min(rows.extent, max(1, 4096 / columns.extent)), min(columns.extent, 4096))
    rowBlocks = (rows.extent + blockRows - 1) / blockRows
    columnBlocks = (columns.extent + blockColumns - 1) / blockColumns
  }

  /// Calls a closure with each block of a range.
  @inline(__always)
  func forEachBlock(of range: Range<Int>, _ body: (Block) -> Void) {
    for index in range {
      let (table, inTable) = index.quotientAndRemainder(dividingBy: rowBlocks * columnBlocks)
      let (row, column) = inTable.quotientAndRemainder(dividingBy: columnBlocks)
      var block = Block(
        source: row * blockRows * rows.source + column * blockColumns * columns.source,
        target: row * blockRows * rows.target + column * blockColumns * columns.target,
        rows: min(blockRows, rows.extent - row * blockRows),
        columns: min(blockColumns, columns.extent - column * blockColumns))
      var rest = table
      for dimension in others.reversed() {
        let (quotient, position) = rest.quotientAndRemainder(dividingBy: dimension.extent)
        block.source += position * dimension.source
        block.target += position * dimension.target
        rest = quotient
      }
      body(block)
    }
  }
}
