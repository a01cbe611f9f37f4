import ConvoyAssembler
import ConvoyTiles

extension Machine {
  /// Processors with AVX2 and FMA: Intel's since Haswell, AMD's since Excavator.
  ///
  /// A pixel's 16 channels are two registers. A tile of 6 pixels of one plane has 12 registers of
  /// sums, 2 of weights, and 2 of pixels in flight.
  static func avx2(_ caches: CacheSizes) -> Machine {
    Machine(
      unit: VectorUnit(
        name: "avx2", lanes: 8, registerCount: 16, chainCount: 8, temporaryCount: 2,
        writer: X86Writer.init),
      firstLevelCache: caches.level1Data, secondLevelCache: caches.level2,
      denseTiles: [Tile(pixels: 6, planes: 1)], laneTile: (rows: 2, sums: 10))
  }
}
