import ConvoyAssembler
import ConvoyTiles

extension Machine {
  /// Processors with AVX-512: Intel's servers since Skylake, AMD's since Zen 4.
  ///
  /// Sums, one vector of weights for each plane, and at least one pixel fill the 32 registers. With
  /// one plane, the pixel is a broadcast memory operand of the multiplication.
  static func avx512(_ caches: CacheSizes) -> Machine {
    Machine(
      unit: VectorUnit(
        name: "avx512", lanes: 16, registerCount: 32, chainCount: 12, temporaryCount: 4,
        embedsBroadcast: true, hasMasks: true, writer: X86Writer.init),
      firstLevelCache: caches.level1Data, secondLevelCache: caches.level2,
      denseTiles: [
        Tile(pixels: 6, planes: 4), Tile(pixels: 9, planes: 3), Tile(pixels: 14, planes: 2),
        Tile(pixels: 28, planes: 1),
      ], laneTile: (rows: 2, sums: 16))
  }
}
