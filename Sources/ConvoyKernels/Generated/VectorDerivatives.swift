import ConvoyTiles

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
    of function: TileTail, to registers: ArraySlice<Vector>, using t: [Vector]
  ) {
    switch function {
    case .none: for x in registers { load(x, 1) }
    case .step: for x in registers { w.clear(x) }
    case .affine: for x in registers { load(x, parameter: 0) }
    case .square: for x in registers { w.add(x, x, x) }
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
        w.multiply(x, x, t[0])
        w.add(x, x, parameter(1))
        keep(t[0], where: x, above: constants[0], upTo: constants[1], t[1])
      }
    case .hardSwish:
      for x in registers {
        let (middle, mask) = (t[0], t[1])
        w.add(middle, x, x)
        w.add(middle, middle, constants[3])
        w.multiply(middle, middle, constants[1 / 6])
        replace(middle, with: constants[0], where: x, .lessOrEqual, constants[-3], mask)
        replace(middle, with: constants[1], where: x, .greater, constants[3], mask)
        w.copy(x, middle)
      }
    case .reciprocal:
      load(t[0], -1)
      for x in registers {
        w.multiply(x, x, x)
        w.divide(x, t[0], x)
      }
    case .logarithm:
      load(t[0], 1)
      for x in registers { w.divide(x, t[0], x) }
    case .squareRoot:
      load(t[0], 0.5)
      for x in registers {
        w.squareRoot(x, x)
        w.divide(x, t[0], x)
      }
    case .sigmoid, .tanh, .silu, .gelu: for x in registers { derivative(of: function, x, t[...]) }
    }
  }

  /// Of a function by exponentials.
  private func derivative(
    of function: TileTail, _ x: Vector, _ t: ArraySlice<Vector>
  ) {
    let (first, second) = (t.at(0), t.at(1))
    switch function {
    case .sigmoid:
      sigmoid(x, using: t)
      load(first, 1)
      w.subtract(first, first, x)
      w.multiply(x, x, first)
    case .tanh:
      tanh(x, using: t)
      w.multiply(x, by: x, subtractFrom: constants[1])
    case .silu:
      // s·(1 + x·(1 − s))
      w.copy(first, x)
      sigmoid(x, using: t.dropFirst())
      load(second, 1)
      w.subtract(second, second, x)
      w.multiply(second, by: first, add: constants[1])
      w.multiply(x, x, second)
    default:
      // Φ(x) + x·φ(x)
      normalCDF(x, using: t)
      w.multiply(second, x, x)
      w.multiply(second, second, constants[-0.5])
      exp(second, using: t.dropFirst(2))
      w.multiply(second, second, constants[0.398_942_28])
      w.multiply(x, by: second, add: first)
    }
  }

  /// d = s in the lanes where a comparison holds, another elsewhere.
  private func choose(
    _ d: Vector, _ s: Vector, where x: Vector, _ relation: Condition.Relation, _ bound: Operand,
    else other: Vector, _ mask: Vector
  ) {
    w.select(d, s.operand, where: Condition(x, relation, bound), else: other, mask)
  }

  /// x = a number in the lanes where x lies in a range, 0 elsewhere.
  private func keep(
    _ number: Vector, where x: Vector, above low: Operand, upTo high: Operand, _ mask: Vector
  ) {
    w.keep(
      x, number, where: [Condition(x, .greater, low), Condition(x, .lessOrEqual, high)], mask)
  }
}
