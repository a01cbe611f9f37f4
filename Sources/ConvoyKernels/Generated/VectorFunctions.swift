import ConvoyTiles

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
    _ function: TileTail, to registers: ArraySlice<Vector>, using t: [Vector]
  ) {
    switch function {
    case .none: break
    case .relu:
      w.clear(t[0])
      // Of two numbers the second is taken unless the first is greater: 0 for what is not a number.
      for x in registers { w.maximum(x, x, t[0]) }
    case .clip:
      load(t[0], parameter: 0)
      load(t[1], parameter: 1)
      for x in registers { limit(x, low: t[0], high: t[1]) }
    case .leakyReLU: leakyReLU(registers, slope: t[0], t[1])
    case .sigmoid: for x in registers { sigmoid(x, using: t[...]) }
    case .tanh: for x in registers { tanh(x, using: t[...]) }
    case .hardSigmoid:
      load(t[0], parameter: 0)
      w.clear(t[1])
      load(t[2], 1)
      for x in registers {
        w.multiply(x, by: t[0], add: parameter(1))
        limit(x, low: t[1], high: t[2])
      }
    case .hardSwish:
      for x in registers {
        // What is not a number may become one here: the product with x is none.
        w.add(t[0], x, constants[3])
        w.maximum(t[0], t[0], constants[0])
        w.minimum(t[0], t[0], constants[6])
        // Divided first: the product of large numbers would overflow.
        w.multiply(t[0], t[0], constants[1 / 6])
        w.multiply(x, x, t[0])
      }
    case .silu:
      for x in registers {
        gate(x, using: t[...])
        w.multiply(x, x, t[0])
      }
    case .gelu:
      for x in registers {
        normalCDF(x, using: t[...])
        w.multiply(x, x, t[0])
      }
    case .exponential: for x in registers { exp(x, using: t[...]) }
    case .logarithm: for x in registers { log(x, using: t[...]) }
    case .squareRoot: for x in registers { w.squareRoot(x, x) }
    case .square: for x in registers { w.multiply(x, x, x) }
    case .magnitude:
      w.broadcast(t[0], constants.place(bits: 0x7FFF_FFFF))
      for x in registers { w.combine(.and, x, x, t[0]) }
    case .reciprocal:
      load(t[0], 1)
      for x in registers { w.divide(x, t[0], x) }
    case .affine:
      load(t[0], parameter: 0)
      for x in registers { w.multiply(x, by: t[0], add: parameter(1)) }
    case .step: step(registers, zero: t[0], one: t[1])
    }
  }

  /// x where positive, else slope · x.
  private func leakyReLU(
    _ registers: ArraySlice<Vector>, slope: Vector, _ other: Vector
  ) {
    load(slope, parameter: 0)
    w.prepareMultiplyingNegatives(other)
    for x in registers { w.multiplyNegatives(x, slope, other) }
  }

  /// 1 where positive, else 0.
  func step(
    _ registers: ArraySlice<Vector>, zero: Vector, one: Vector
  ) {
    w.clear(zero)
    load(one, 1)
    for x in registers { w.keep(x, one, where: [Condition(x, .greater, zero)], zero) }
  }

  /// Brings x into a range; what is not a number stays.
  private func limit(_ x: Vector, low: Vector, high: Vector) {
    // Of two numbers the second is taken where one of them is none.
    w.maximum(x, low, x)
    w.minimum(x, high, x)
  }

  /// d = a parameter in all lanes.
  func load(_ d: Vector, parameter index: Int) {
    w.broadcast(d, place(ofParameter: index))
  }

  /// A parameter in all lanes.
  func parameter(_ index: Int) -> Operand { .repeated(place(ofParameter: index)) }

  private func place(ofParameter index: Int) -> Place {
    w.argument(.parameters) + TileArguments.repeatedBytes * index
  }
}
