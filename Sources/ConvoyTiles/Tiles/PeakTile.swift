/// Independent multiply-adds and nothing else: the loop that measures the peak rate.
///
/// Its argument `tiles` is the number of iterations.
package struct PeakTile: TileDescription {
  package let unit: VectorUnit

  package init(unit: VectorUnit) { self.unit = unit }

  /// The chains of sums: enough to hide the latency of a multiply-add on any processor known.
  private static let chains = 12
  private static let repetitions = 4

  /// The multiply-adds of an iteration, in lanes.
  package var multiplyAdds: Int { PeakTile.repetitions * PeakTile.chains * unit.lanes }

  package var name: String { "peak" }

  package func write(_ w: any TileWriter) {
    var pool = RegisterPool(unit)
    let sums = pool.vectors("sums", PeakTile.chains)
    let iterations = pool.integer("iterations")

    w.function(pool) {
      for sum in sums { w.clear(sum) }
      w.load(iterations, w.argument(.tiles))
      w.loop(iterations) {
        for _ in 0..<PeakTile.repetitions {
          for sum in sums { w.multiplyAdd(sum, sum, sum) }
        }
      }
    }
  }
}
