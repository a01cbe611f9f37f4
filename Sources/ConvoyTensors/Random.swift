#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A seeded generator of random numbers: xoshiro256**.
///
/// The same seed gives the same numbers on every machine. The state can be saved and restored, so
/// that a resumed training run equals one that was never interrupted.
///
/// Source: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", 2018.
public struct Random: RandomNumberGenerator, Hashable, Sendable, Codable {
  private var state: [UInt64]

  /// A generator with a seed; equal seeds give equal numbers.
  public init(seed: UInt64) {
    // Seeding by SplitMix64 is what the authors recommend: it never yields the all-zero state.
    state = (1...4).map { Random.hash(seed &+ $0 &* Random.goldenGamma) }
  }

  /// A generator for one part of a seeded whole, independent of the other parts' generators.
  ///
  /// An epoch's shuffle or an image's augmentation uses its own stream, so that the results do not
  /// depend on the order or the threads in which the parts are computed.
  public init(seed: UInt64, stream: UInt64) {
    self.init(seed: Random.hash(seed ^ Random.hash(stream &+ Random.goldenGamma)))
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    let product = state[1] &* 5
    let result = (product << 7 | product >> 57) &* 9
    let shifted = state[1] << 17
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = state[3] << 45 | state[3] >> 19
    return result
  }

  /// A uniformly distributed number in 0..<1, a multiple of 2⁻²⁴.
  public mutating func uniform() -> Float {
    Float(next() >> 40) * 0x1p-24
  }

  /// A uniformly distributed whole number from 0 up to, but not including, a bound.
  ///
  /// - Precondition: the bound is at least 1.
  public mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next(upperBound: UInt64(bound)))
  }

  /// A number from the normal distribution of mean 0 and variance 1 (Box–Muller).
  public mutating func normal() -> Float {
    let radius = (-2 * log(1 - Double(next() >> 11) * 0x1p-53)).squareRoot()
    let angle = 2 * Double.pi * Double(next() >> 11) * 0x1p-53
    return Float(radius * cos(angle))
  }

  /// A bijective hash of 64 bits (SplitMix64's finaliser): a random number that is a function of a
  /// counter, for kernels whose results must not depend on the order of their work.
  @inlinable
  public static func hash(_ counter: UInt64) -> UInt64 {
    var bits = counter
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
  }

  /// SplitMix64's increment, 2⁶⁴ divided by the golden ratio.
  public static let goldenGamma: UInt64 = 0x9E37_79B9_7F4A_7C15
}
