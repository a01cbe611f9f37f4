import ConvoyAssembler

extension TileTail {
  /// Registers that the function's derivative needs beside those it is applied to.
  var derivativeTemporaryCount: Int {
    switch self {
    case .none, .square, .affine: 0
    case .reciprocal, .logarithm, .squareRoot: 1
    case .relu, .step: 2
    case .leakyReLU, .magnitude, .sigmoid, .exponential: 3
    case .clip, .hardSigmoid, .hardSwish, .tanh, .silu: 4
    case .gelu: 5
    }
  }
}

extension VectorMath {
  /// Makes registers the derivatives of a function at them, as `ScalarFunction.derivative` does lanes.
  ///
  /// - Parameter t: as many registers as the derivative needs, or more.
  func applyDerivative(
    of function: TileTail, to registers: ArraySlice<VectorRegister>, using t: [VectorRegister]
  ) {
    switch function {
    case .none: for x in registers { load(x, 1) }
    case .step: for x in registers { a.clear(x) }
    case .affine: for x in registers { load(x, parameter: 0) }
    case .square: for x in registers { a.vaddps(x, x, x) }
    case .exponential: for x in registers { exp(x, using: t[...]) }
    case .relu: step(registers, zero: t[0], one: t[1])
    case .leakyReLU:
      load(t[0], 1)
      load(t[1], parameter: 0)
      for x in registers { choose(x, t[0], where: x, .greater, constants[0], else: t[1], t[2]) }
    case .magnitude:
      load(t[0], 1)
      load(t[1], -1)
      for x in registers { choose(x, t[0], where: x, .greater, constants[0], else: t[1], t[2]) }
    case .clip:
      load(t[0], 1)
      for x in registers { keep(t[0], where: x, above: parameter(0), upTo: parameter(1), t[1]) }
    case .hardSigmoid:
      load(t[0], parameter: 0)
      for x in registers {
        // Not rounded together, so that kinks are where the function in lanes has them.
        a.vmulps(x, x, t[0])
        a.vaddps(x, x, parameter(1))
        keep(t[0], where: x, above: constants[0], upTo: constants[1], t[1])
      }
    case .hardSwish:
      for x in registers {
        let (middle, mask) = (t[0], t[1])
        a.vaddps(middle, x, x)
        a.vaddps(middle, middle, constants[3])
        a.vmulps(middle, middle, constants[1 / 6])
        replace(middle, with: constants[0], where: x, .lessOrEqual, constants[-3], mask)
        replace(middle, with: constants[1], where: x, .greater, constants[3], mask)
        a.vmovaps(x, middle)
      }
    case .reciprocal:
      load(t[0], -1)
      for x in registers {
        a.vmulps(x, x, x)
        a.vdivps(x, t[0], x)
      }
    case .logarithm:
      load(t[0], 1)
      for x in registers { a.vdivps(x, t[0], x) }
    case .squareRoot:
      load(t[0], 0.5)
      for x in registers {
        a.vsqrtps(x, x)
        a.vdivps(x, t[0], x)
      }
    case .sigmoid, .tanh, .silu, .gelu: for x in registers { derivative(of: function, x, t[...]) }
    }
  }

  /// Of a function by exponentials.
  private func derivative(
    of function: TileTail, _ x: VectorRegister, _ t: ArraySlice<VectorRegister>
  ) {
    let (first, second) = (t.at(0), t.at(1))
    switch function {
    case .sigmoid:
      sigmoid(x, using: t)
      load(first, 1)
      a.vsubps(first, first, x)
      a.vmulps(x, x, first)
    case .tanh:
      tanh(x, using: t)
      a.vfnmadd213ps(x, x, constants[1])
    case .silu:
      // s·(1 + x·(1 − s))
      a.vmovaps(first, x)
      sigmoid(x, using: t.dropFirst())
      load(second, 1)
      a.vsubps(second, second, x)
      a.vfmadd213ps(second, first, constants[1])
      a.vmulps(x, x, second)
    default:
      // Φ(x) + x·φ(x)
      normalCDF(x, using: t)
      a.vmulps(second, x, x)
      a.vmulps(second, second, constants[-0.5])
      exp(second, using: t.dropFirst(2))
      a.vmulps(second, second, constants[0.398_942_28])
      a.vfmadd213ps(x, second, first)
    }
  }

  /// d = s in the lanes where a comparison holds, another elsewhere.
  private func choose(
    _ d: VectorRegister, _ s: VectorRegister, where x: VectorRegister, _ comparison: Comparison,
    _ bound: MemoryOperand, else other: VectorRegister, _ mask: VectorRegister
  ) {
    if width == .zmm {
      a.vcmpps(k1, x, bound, comparison)
      a.vblendmps(d, other, s, mask: .merging(k1))
    } else {
      a.vcmpps(mask, x, bound, comparison)
      a.vblendvps(d, other, s, mask)
    }
  }

  /// x = a number in the lanes where x lies in a range, 0 elsewhere.
  private func keep(
    _ number: VectorRegister, where x: VectorRegister, above low: MemoryOperand,
    upTo high: MemoryOperand, _ mask: VectorRegister
  ) {
    if width == .zmm {
      a.vcmpps(k1, x, low, .greater)
      a.vcmpps(k1, x, high, .lessOrEqual, mask: k1)
      a.vmovaps(x, number, mask: .zeroing(k1))
    } else {
      a.vcmpps(mask, x, low, .greater)
      a.vcmpps(x, x, high, .lessOrEqual)
      a.vandps(x, x, mask)
      a.vandps(x, x, number)
    }
  }
}
