import ConvoyTiles

extension Machine {
  /// Any 64-bit processor, in plain Swift: SSE2 on x86-64, NEON on AArch64.
  ///
  /// Tiles of 3 pixels were measured to be fastest with 16 registers of 4 floats: 12 hold sums, 1
  /// the pixel. The tile is fixed in the loop of `RowConvolver`, which is compiled ahead of time.
  package static let portable = Machine(
    unit: VectorUnit(
      name: "portable", lanes: 4, registerCount: 16, chainCount: 1, temporaryCount: 0, writer: nil),
    firstLevelCache: 32 << 10, secondLevelCache: 512 << 10, denseTiles: [],
    laneTile: (rows: 1, sums: 3))
}
