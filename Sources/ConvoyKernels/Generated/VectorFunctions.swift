import ConvoyAssembler

extension TileTail {
  /// Registers that the function needs beside those it is applied to.
  var temporaryCount: Int {
    switch self {
    case .none, .squareRoot, .square: 0
    case .relu, .magnitude, .reciprocal, .affine, .hardSwish: 1
    case .clip, .leakyReLU, .step: 2
    case .hardSigmoid, .sigmoid, .exponential: 3
    case .tanh, .silu, .logarithm, .gelu: 4
    }
  }

  static let maximalTemporaries = allCases.map(\.temporaryCount).max() ?? 0
}

extension VectorMath {
  /// Applies a function to registers in place, as `ScalarFunction.lanes` does to lanes.
  ///
  /// - Parameter temporaries: as many registers as the function needs, or more.
  func apply(
    _ function: TileTail, to registers: ArraySlice<VectorRegister>, using t: [VectorRegister]
  ) {
    switch function {
    case .none: break
    case .relu:
      a.clear(t[0])
      // Of two numbers the second is taken unless the first is greater: 0 for what is not a number.
      for x in registers { a.vmaxps(x, x, t[0]) }
    case .clip:
      load(t[0], parameter: 0)
      load(t[1], parameter: 1)
      for x in registers { limit(x, low: t[0], high: t[1]) }
    case .leakyReLU: leakyReLU(registers, slope: t[0], t[1])
    case .sigmoid: for x in registers { sigmoid(x, using: t[...]) }
    case .tanh: for x in registers { tanh(x, using: t[...]) }
    case .hardSigmoid:
      load(t[0], parameter: 0)
      a.clear(t[1])
      load(t[2], 1)
      for x in registers {
        a.vfmadd213ps(x, t[0], parameter(1))
        limit(x, low: t[1], high: t[2])
      }
    case .hardSwish:
      for x in registers {
        // What is not a number may become one here: the product with x is none.
        a.vaddps(t[0], x, constants[3])
        a.vmaxps(t[0], t[0], constants[0])
        a.vminps(t[0], t[0], constants[6])
        // Divided first: the product of large numbers would overflow.
        a.vmulps(t[0], t[0], constants[1 / 6])
        a.vmulps(x, x, t[0])
      }
    case .silu:
      for x in registers {
        gate(x, using: t[...])
        a.vmulps(x, x, t[0])
      }
    case .gelu:
      for x in registers {
        normalCDF(x, using: t[...])
        a.vmulps(x, x, t[0])
      }
    case .exponential: for x in registers { exp(x, using: t[...]) }
    case .logarithm: for x in registers { log(x, using: t[...]) }
    case .squareRoot: for x in registers { a.vsqrtps(x, x) }
    case .square: for x in registers { a.vmulps(x, x, x) }
    case .magnitude:
      a.vbroadcastss(t[0], [constants.address(0x7FFF_FFFF)])
      for x in registers { a.vandps(x, x, t[0]) }
    case .reciprocal:
      load(t[0], 1)
      for x in registers { a.vdivps(x, t[0], x) }
    case .affine:
      load(t[0], parameter: 0)
      for x in registers { a.vfmadd213ps(x, t[0], parameter(1)) }
    case .step: step(registers, zero: t[0], one: t[1])
    }
  }

  /// x where positive, else slope · x.
  private func leakyReLU(
    _ registers: ArraySlice<VectorRegister>, slope: VectorRegister, _ other: VectorRegister
  ) {
    load(slope, parameter: 0)
    if width == .zmm {
      let zero = other
      a.clear(zero)
      for x in registers {
        a.vcmpps(k1, x, zero, .lessOrEqual)
        a.vmulps(x, x, slope, mask: .merging(k1))
      }
    } else {
      let product = other
      for x in registers {
        // The number's own sign chooses; 0 is 0 either way.
        a.vmulps(product, x, slope)
        a.vblendvps(x, x, product, x)
      }
    }
  }

  /// 1 where positive, else 0.
  func step(
    _ registers: ArraySlice<VectorRegister>, zero: VectorRegister, one: VectorRegister
  ) {
    a.clear(zero)
    load(one, 1)
    for x in registers {
      if width == .zmm {
        a.vcmpps(k1, x, zero, .greater)
        a.vmovaps(x, one, mask: .zeroing(k1))
      } else {
        a.vcmpps(x, x, zero, .greater)
        a.vandps(x, x, one)
      }
    }
  }

  /// Brings x into a range; what is not a number stays.
  private func limit(_ x: VectorRegister, low: VectorRegister, high: VectorRegister) {
    // Of two numbers the second is taken where one of them is none.
    a.vmaxps(x, low, x)
    a.vminps(x, high, x)
  }

  /// d = a parameter in all lanes.
  func load(_ d: VectorRegister, parameter index: Int) {
    a.vbroadcastss(d, [arguments + .parameters + 32 * index])
  }

  /// A parameter in all lanes.
  func parameter(_ index: Int) -> MemoryOperand {
    .repeated(arguments + .parameters + 32 * index, width)
  }
}
