import ConvoyAssembler

extension Machine {
  /// Processors with AVX2 and FMA: Intel's since Haswell, AMD's since Excavator.
  ///
  /// A pixel's 16 channels are two registers. 6 pixels of one plane are 12 sums, 2 hold weights, 2
  /// the pixels under way.
  static func avx2(_ caches: CacheSizes) -> Machine {
    Machine(
      name: "avx2", instructions: .avx2, vectorWidth: 8, registerCount: 16,
      firstLevelCache: caches.level1Data, secondLevelCache: caches.level2,
      broadcastTiles: [Tile(pixels: 6, planes: 1)], laneTile: (rows: 2, sums: 10), chainCount: 8,
      temporaryCount: 2)
  }
}
