/// The fields of `PointwiseTile`.
public enum PointwiseField: Int, TileField {
  /// The number of bands; at least one.
  case bands = 512
  /// Bytes from the end of a band to the next one, in x, y and z.
  case firstStep = 520, outputStep = 528, secondStep = 536
}

/// The loop of elementwise kernels over stretches of pixels,
///
///     y[pixel] = f(x[pixel] ∘ z[pixel])
///
/// where ∘ is an arithmetic operation, if any, and z has as many pixels as x, or is the same for
/// all. Stretches are bands at a fixed distance from each other: `tiles` is the number of a band's
/// pixels, and `inputs` are x and z.
package struct PointwiseTile: TileDescription {
  /// The operation on x before the function.
  package enum Operation: Hashable, Sendable {
    case none
    case add
    case subtract
    case multiply
    case divide
    /// The larger; z where they are equal or one is NaN.
    case maximum
    /// The smaller; z where they are equal or one is NaN.
    case minimum
    /// x where positive, otherwise x · z.
    case leak
    /// (x − mean) · factor + shift: z is three pixels, the same for all x.
    case normalize
    /// f′(x) · z, where f is the function that would otherwise be applied to the result.
    case derivative
  }

  package let unit: VectorUnit
  package var operation: Operation
  /// Whether z is the same for all pixels.
  package var isSecondFixed: Bool
  /// The function that is applied to the result, or whose derivative is taken.
  package var activation: ActivationKind

  package init(
    unit: VectorUnit, operation: Operation, isSecondFixed: Bool, activation: ActivationKind
  ) {
    self.unit = unit
    self.operation = operation
    self.isSecondFixed = isSecondFixed
    self.activation = activation
  }

  /// The registers of pixels that an iteration of the loop computes.
  private static let groupVectors = 4

  /// The vectors of z that are the same for all pixels.
  private var fixedCount: Int { isSecondFixed ? (operation == .normalize ? 3 : 1) : 0 }

  /// Whether z has as many pixels as x.
  private var walksSecond: Bool { operation != .none && !isSecondFixed }

  package var name: String { "pointwise \(operation) \(activation)" }

  package func write(_ w: any TileWriter) {
    let parts = unit.vectorsPerPixel

    var pool = RegisterPool(unit)
    let pixels = pool.vectors("pixels", PointwiseTile.groupVectors)
    let fixed = pool.vectors("numbers that are the same for all pixels", fixedCount * parts)
    let free = pool.remainingVectors("what functions need")

    let bands = pool.integer("bands")
    // A reserved register stays unused, so that the registers after it, and therefore the code, are
    // unchanged.
    let left = pool.integers("pixels left", 1, of: 2)[0]
    let table = pool.integer("constants")
    let first = pool.integer("x")
    let second = pool.integer("z")
    let output = pool.integer("y")
    let constants = ConstantTable(w, base: table)

    /// Computes pixels that fill several registers.
    func compute(_ x: ArraySlice<Vector>) {
      for (index, x) in x.enumerated() { w.load(x, first + index * unit.vectorBytes) }
      if operation == .derivative { activation.applyDerivative(to: x, free: free, constants, w) }
      for (index, x) in x.enumerated() {
        if isSecondFixed {
          let z = stride(from: index % parts, to: fixed.count, by: parts).map { fixed[$0] }
          combine(x, z, free, constants, w)
        } else if operation != .none {
          w.load(free[0], second + index * unit.vectorBytes)
          combine(x, [free[0]], Array(free.dropFirst()), constants, w)
        }
      }
      if operation != .derivative { activation.apply(to: x, free: free, constants, w) }
      for (index, x) in x.enumerated() { w.store(output + index * unit.vectorBytes, x) }
      w.advance(first, by: x.count * unit.vectorBytes)
      if walksSecond { w.advance(second, by: x.count * unit.vectorBytes) }
      w.advance(output, by: x.count * unit.vectorBytes)
    }

    w.function(pool) {
      constants.load()
      w.load(bands, w.argument(PointwiseField.bands))
      w.load(first, w.argument(.inputs))
      if operation != .none { w.load(second, w.argument(.inputs, 1)) }
      w.load(output, w.argument(.outputs))
      for (index, z) in fixed.enumerated() { w.load(z, second + index * unit.vectorBytes) }
      w.loop(bands) {
        w.load(left, w.argument(.tiles))
        w.loop(left, inGroupsOf: pixels.count / parts) {
          compute(pixels[...])
        } rest: {
          compute(pixels.prefix(parts))
        }
        w.advance(first, by: w.argument(PointwiseField.firstStep))
        if walksSecond { w.advance(second, by: w.argument(PointwiseField.secondStep)) }
        w.advance(output, by: w.argument(PointwiseField.outputStep))
      }
      constants.lay()
    }
  }

  /// x = x ∘ z; for normalisation, z is mean, factor and shift.
  private func combine(
    _ x: Vector, _ z: [Vector], _ free: [Vector], _ constants: ConstantTable,
    _ w: any TileWriter
  ) {
    switch operation {
    case .none: break
    case .add: w.add(x, x, z[0])
    case .subtract: w.subtract(x, x, z[0])
    case .multiply, .derivative: w.multiply(x, x, z[0])
    case .divide: w.divide(x, x, z[0])
    case .maximum: w.maximum(x, x, z[0])
    case .minimum: w.minimum(x, x, z[0])
    case .leak:
      let (product, mask) = (free[0], free[1])
      w.multiply(product, x, z[0])
      w.replace(x, .vector(product), where: Condition(x, .lessOrEqual, constants[0]), mask)
    case .normalize:
      w.subtract(x, x, z[0])
      w.multiply(x, by: z[1], add: z[2])
    }
  }
}
