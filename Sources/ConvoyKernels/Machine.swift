/// What kernels need to know of the processor, in one place: no tile size stands anywhere else.
public struct Machine: Hashable, Sendable {
  /// What it is called: `portable`.
  public let name: String
  /// Floats in a vector register.
  public let vectorWidth: Int
  /// Vector registers.
  public let registerCount: Int
  /// Bytes of first-level data cache.
  public let firstLevelCache: Int
  /// Bytes of second-level cache.
  public let secondLevelCache: Int
  /// Pixels of 16 channels that a convolution's inner loop keeps in registers.
  public let tilePixels: Int

  /// Any 64-bit processor, in plain Swift: SSE2 on x86-64, NEON on AArch64.
  ///
  /// Tiles of 3 pixels were measured best with 16 registers of 4 floats: 12 hold sums, 1 the pixel.
  public static let portable = Machine(
    name: "portable", vectorWidth: 4, registerCount: 16, firstLevelCache: 32 << 10,
    secondLevelCache: 512 << 10, tilePixels: 3)

  /// The machine this program runs on.
  public static let current = portable
}
