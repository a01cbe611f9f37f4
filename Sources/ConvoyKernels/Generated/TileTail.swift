import ConvoyAssembler
import ConvoyTensors

/// What a generated kernel does to its sums before it writes them. The constants are arguments, so
/// that kernels of the same kind share their code.
enum TileTail: Hashable, Sendable {
  case none
  case relu
  case clip
  case leakyReLU

  /// The tail of a convolution, or nil if generated code does not know its function.
  init?(_ tail: Tail) {
    switch tail.function {
    case nil: self = .none
    case .relu: self = .relu
    case .clip: self = .clip
    case .leakyReLU: self = .leakyReLU
    default: return nil
    }
  }

  /// The two numbers that `TileArguments.Field.tail` holds for a convolution's tail.
  static func constants(of tail: Tail) -> (Float, Float) {
    switch tail.function {
    case .clip(let low, let high): (low, high)
    case .leakyReLU(let slope): (slope, 0)
    default: (0, 0)
    }
  }

  /// Applies the function to sums, as `ScalarFunction.lanes` does, also to what is not a number.
  ///
  /// - Parameters:
  ///   - free: two registers that may be overwritten.
  ///   - constants: where the two constants stand.
  func apply(
    to sums: [VectorRegister], free: [VectorRegister], constants: GeneralRegister,
    _ a: Assembler
  ) {
    let (low, high) = (free[0], free[1])
    switch self {
    case .none: break
    case .relu:
      let zero = free[0]
      a.clear(zero)
      // Of two numbers the second is taken unless the first is greater: 0 for what is not a number.
      for sum in sums { a.vmaxps(sum, sum, zero) }
    case .clip:
      a.vbroadcastss(low, [constants + .tail])
      a.vbroadcastss(high, [constants + TileArguments.Field.tail.rawValue + 4])
      for sum in sums {
        a.vmaxps(sum, low, sum)
        a.vminps(sum, high, sum)
      }
    case .leakyReLU where low.width == .zmm:
      let (slope, zero) = (free[0], free[1])
      a.vbroadcastss(slope, [constants + .tail])
      a.clear(zero)
      for sum in sums {
        a.vcmpps(k1, sum, zero, .lessOrEqual)
        a.vmulps(sum, sum, slope, mask: .merging(k1))
      }
    case .leakyReLU:
      let (slope, product) = (free[0], free[1])
      a.vbroadcastss(slope, [constants + .tail])
      for sum in sums {
        // The number's own sign chooses; 0 is 0 either way.
        a.vmulps(product, sum, slope)
        a.vblendvps(sum, sum, product, sum)
      }
    }
  }
}

extension Assembler {
  /// `d = 0`.
  func clear(_ d: VectorRegister) {
    if d.width == .zmm || d.number >= 16 { vpxord(d, d, d) } else { vxorps(d, d, d) }
  }
}
