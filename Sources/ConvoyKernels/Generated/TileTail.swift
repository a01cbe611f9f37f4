import ConvoyTensors
import ConvoyTiles

/// What a generated kernel does to its sums before it writes them: nothing, or a `ScalarFunction`. Its
/// parameters are arguments, so that kernels of the same kind share their code.
enum TileTail: Hashable, Sendable, CaseIterable {
  case none
  case relu
  case clip
  case leakyReLU
  case sigmoid
  case tanh
  case hardSigmoid
  case hardSwish
  case silu
  case gelu
  case exponential
  case logarithm
  case squareRoot
  case square
  case magnitude
  case reciprocal
  case affine
  case step

  /// The tail of a convolution; nil if no code is generated for it.
  init?(_ tail: Tail) {
    guard let function = tail.function else {
      self = .none
      return
    }
    self.init(function)
  }

  /// The application of a function; nil if no code is generated for it.
  init?(_ function: ScalarFunction) {
    let known: TileTail? =
      switch function {
      case .relu: .relu
      case .clip: .clip
      case .leakyReLU: .leakyReLU
      case .sigmoid: .sigmoid
      case .tanh: .tanh
      case .hardSigmoid: .hardSigmoid
      case .hardSwish: .hardSwish
      case .silu: .silu
      case .gelu: .gelu
      case .exponential: .exponential
      case .logarithm: .logarithm
      case .squareRoot: .squareRoot
      case .square: .square
      case .magnitude: .magnitude
      case .reciprocal: .reciprocal
      case .affine: .affine
      case .step: .step
      case .errorFunction, .softplus, .softsign, .elu, .mish, .approximateGELU, .power: nil
      }
    guard let known else { return nil }
    self = known
  }

  /// The two numbers that `TileArguments.Field.parameters` holds for a function.
  static func parameters(of function: ScalarFunction) -> (Float, Float) {
    switch function {
    case .clip(let low, let high): (low, high)
    case .leakyReLU(let slope): (slope, 0)
    case .hardSigmoid(let slope, let offset): (slope, offset)
    case .affine(let scale, let offset): (scale, offset)
    default: (0, 0)
    }
  }

  /// Applies the function to sums, as `ScalarFunction.lanes` does, also to what is not a number.
  ///
  /// - Parameters:
  ///   - free: registers that may be overwritten.
  ///   - table: a register that may be overwritten.
  func apply(to sums: [Vector], free: [Vector], table: Integer, _ w: any TileWriter) {
    guard self != .none, !sums.isEmpty else { return }
    let constants = ConstantTable(w, base: table)
    constants.load()
    apply(to: sums[...], free: free, VectorMath(w: w, constants: constants))
    constants.lay()
  }

  /// Applies the function to registers.
  ///
  /// Where too few registers are free, others are put aside meanwhile, such as come later among them.
  func apply(to sums: ArraySlice<Vector>, free: [Vector], _ math: VectorMath) {
    let w = math.w
    let lacking = max(0, temporaryCount - free.count)
    let middle = sums.startIndex + (lacking > 0 ? sums.count / 2 : 0)
    for turn in [sums[..<middle], sums[middle...]] where !turn.isEmpty {
      let others = (0..<w.unit.registerCount).map(Vector.init)
        .filter { !turn.contains($0) && !free.contains($0) }
      let aside = others.prefix(lacking).enumerated().map {
        (register: $1, place: w.argument(.aside) + $0 * TileArguments.asideBytes)
      }
      for (register, place) in aside { w.putAside(place, register) }
      math.apply(self, to: turn, using: free + aside.map(\.register))
      for (register, place) in aside { w.takeBack(register, place) }
    }
  }
}
