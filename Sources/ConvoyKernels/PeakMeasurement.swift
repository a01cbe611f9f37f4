import ConvoyTensors
import ConvoyTiles

/// Measures the peak rate of multiply-adds: the reference of "per cent of peak".
///
/// It runs `PeakTile` on the widest registers that the processor has. Where no code can be
/// generated, the same is done in plain Swift.
package enum PeakMeasurement {
  /// GFLOP/s of one thread, the best of several measurements; a multiply-add counts as two.
  package static func gigaflopsPerSecond() -> Double {
    generated() ?? portable()
  }

  private static let rounds = 200_000

  private static func generated() -> Double? {
    guard let unit = Machine.available.last?.unit, unit.generatesCode else { return nil }
    let tile = PeakTile(unit: unit)
    guard let function = TileKernels.function(tile) else { return nil }
    return TileArguments<NoField>.with { arguments in
      best(2 * Double(tile.multiplyAdds * rounds)) {
        arguments.set(.tiles, rounds)
        arguments.run(function)
      }
    }
  }

  private static func portable() -> Double {
    var sums = (Lanes.zero, Lanes.zero, Lanes.zero)
    let factor = Lanes(repeating: 0.5)
    let result = best(Double(3 * rounds * 16 * 2)) {
      for _ in 0..<rounds {
        sums.0 = sums.0 * factor + factor
        sums.1 = sums.1 * factor + factor
        sums.2 = sums.2 * factor + factor
      }
    }
    // The sums are used, so that the compiler does not remove the loop.
    return sums.0[0] + sums.1[1] + sums.2[2] < 0 ? 0 : result
  }

  private static func best(_ operations: Double, _ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    var seconds = Double.infinity
    for _ in 0..<8 {
      let start = clock.now
      body()
      seconds = min(seconds, (clock.now - start) / .seconds(1))
    }
    return operations / seconds * 1e-9
  }
}
