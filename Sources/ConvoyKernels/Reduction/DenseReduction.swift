package import ConvoyTensors

/// A reduction over some dimensions of a row-major tensor.
///
/// If the last dimension of more than one element is reduced, 16 neighbours at a time are combined
/// into one result. Otherwise 16 neighbouring results are computed at a time.
package struct DenseReduction: Kernel {
  /// See `Kernel.name`.
  package let name = "portable reduction"
  private let function: ReductionFunction
  private let scale: Double
  private let source: Region
  private let target: Region
  /// The dimensions that are kept, with one result for each position.
  private let kept: StridedWalk
  /// The dimensions that are reduced.
  private let reduced: StridedWalk
  private let work: Work
  private let chunks: Chunks

  private enum Work {
    /// The numbers of a result are contiguous; they may be divided into several parts.
    case along(parts: Chunks)
    /// Neighbouring results are contiguous: the number of blocks of 16 in each row.
    case across(blocks: Int)
  }

  /// - Parameters:
  ///   - dimensions: the dimensions that are reduced.
  ///   - scale: the factor of each result: for a mean, 1 ∕ n.
  ///   - target: for each position of the other dimensions, `partCount(shape, dimensions)` numbers.
  package init(
    _ function: ReductionFunction, _ shape: Shape, over dimensions: [Int], scale: Double,
    from source: Region, to target: Region
  ) {
    self.function = function
    self.scale = scale
    self.source = source
    self.target = target
    (kept, reduced) = DenseReduction.walks(shape, dimensions)
    if reduced.columnSteps[0] <= 1 {
      let parts = DenseReduction.parts(reduced)
      work = .along(parts: parts)
      chunks = Chunks(
        items: kept.rows * kept.columns * parts.count, cost: reduced.rows * parts.size)
    } else {
      let blocks = (kept.columns + PlaneLayout.lanes - 1) / PlaneLayout.lanes
      work = .across(blocks: blocks)
      chunks = Chunks(
        items: kept.rows * blocks, cost: reduced.rows * reduced.columns * PlaneLayout.lanes)
    }
  }

  /// The number of partial results for each result: more than one where many neighbours are
  /// reduced, so that several threads can share the work. A second reduction combines them.
  package static func partCount(_ shape: Shape, over dimensions: [Int]) -> Int {
    let reduced = walks(shape, dimensions).reduced
    return reduced.columnSteps[0] <= 1 ? parts(reduced).count : 1
  }

  private static func walks(
    _ shape: Shape, _ dimensions: [Int]
  ) -> (kept: StridedWalk, reduced: StridedWalk) {
    let strides = shape.strides
    func walk(_ chosen: [Int]) -> StridedWalk {
      StridedWalk(chosen.map { shape[$0] }, [chosen.map { strides[$0] }])
    }
    let kept = (0..<shape.rank).filter { !dimensions.contains($0) }
    return (walk(kept), walk(dimensions))
  }

  private static func parts(_ reduced: StridedWalk) -> Chunks {
    Chunks(items: reduced.columns, cost: 1)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// See `Kernel.detail`.
  package var detail: String {
    switch work {
    case .along(let parts):
      "\(kept.rows * kept.columns) results, each of \(reduced.rows) × \(reduced.columns) "
        + "neighbours" + (parts.count == 1 ? "" : " in \(parts.count) parts")
    case .across:
      "\(kept.rows * kept.columns) results, 16 neighbours at a time, of "
        + "\(reduced.rows) × \(reduced.columns) numbers each"
    }
  }

  /// Computes some results.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    switch function {
    case .sum: run(LaneSum.self, chunk, memory)
    case .product: run(LaneProduct.self, chunk, memory)
    case .maximum: run(LaneMaximum.self, chunk, memory)
    case .minimum: run(LaneMinimum.self, chunk, memory)
    }
  }

  private func run<Function: LaneReduction>(
    _ function: Function.Type, _ chunk: Int, _ memory: Memory
  ) {
    for item in chunks[chunk] {
      switch work {
      case .along(let parts):
        let (result, part) = item.quotientAndRemainder(dividingBy: parts.count)
        let (row, column) = result.quotientAndRemainder(dividingBy: kept.columns)
        let start =
          memory[source] + kept.offset(ofRow: row, operand: 0) + column * kept.columnSteps[0]
        let total = along(function, start, parts[part])
        memory[target][item] = Float(total * scale)
      case .across(let blocks):
        let (row, block) = item.quotientAndRemainder(dividingBy: blocks)
        let first = block * PlaneLayout.lanes
        across(
          function, memory[source] + kept.offset(ofRow: row, operand: 0) + first,
          width: min(PlaneLayout.lanes, kept.columns - first),
          to: memory[target] + row * kept.columns + first)
      }
    }
  }

  /// One result, of contiguous numbers.
  @inline(__always)
  private func along<Function: LaneReduction>(
    _ function: Function.Type, _ start: UnsafePointer<Float>, _ columns: Range<Int>
  ) -> Double {
    let lanes = PlaneLayout.lanes
    let vectors = columns.count / lanes
    var total = BlockedTotal<Function>()
    var rest = Double(Function.neutral)
    for row in 0..<reduced.rows {
      let line = start + reduced.offset(ofRow: row, operand: 0) + columns.lowerBound
      total.add(line, count: vectors)
      for column in vectors * lanes..<columns.count {
        rest = Function.combine(rest, Double(line[column]))
      }
    }
    return vectors == 0 ? rest : Function.combine(total.finish().reduced(by: function), rest)
  }

  /// Up to 16 neighbouring results.
  @inline(__always)
  private func across<Function: LaneReduction>(
    _ function: Function.Type, _ start: UnsafePointer<Float>, width: Int,
    to results: UnsafeMutablePointer<Float>
  ) {
    let step = reduced.columnSteps[0]
    guard width == PlaneLayout.lanes else {
      for result in 0..<width {
        var total = Double(Function.neutral)
        for row in 0..<reduced.rows {
          let line = start + reduced.offset(ofRow: row, operand: 0) + result
          for column in 0..<reduced.columns {
            total = Function.combine(total, Double(line[column * step]))
          }
        }
        results[result] = Float(total * scale)
      }
      return
    }
    var total = BlockedTotal<Function>()
    for row in 0..<reduced.rows {
      total.add(
        start + reduced.offset(ofRow: row, operand: 0), count: reduced.columns, step: step)
    }
    let totals = total.finish()
    for lane in 0..<width { results[lane] = Float(totals[lane] * scale) }
  }
}
