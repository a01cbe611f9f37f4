public import ConvoyTensors

// MARK: Attributes

/// The products of the matrices in two tensors.
///
/// Inputs: [.., M, K] and [.., K, N], whose leading dimensions are aligned at the right and
/// broadcast. Output: [.., M, N].
public struct MatrixProduct: Operator {
  /// See `Operator.name`.
  public static let name = "matrixProduct"

  /// Describes a product of matrices.
  public init() {}

  // MARK: Shape

  /// The broadcast of the leading dimensions, then the rows of the first and columns of the second.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let (a, b) = (inputs[0], inputs[1])
    guard a.rank >= 2, b.rank >= 2, a[a.rank - 1] == b[b.rank - 2] else {
      throw ConvoyError(
        .shape, "expected matrices …×M×K and …×K×N of the same K, got \(a) and \(b)")
    }
    let leading = try Shape(a.dimensions.dropLast(2))
      .broadcast(with: Shape(b.dimensions.dropLast(2)))
    return [try Shape(validating: leading.dimensions + [a[a.rank - 2], b[b.rank - 1]])]
  }

  // MARK: Cost

  /// M·N·K multiply-adds for each matrix.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    Cost.product(outputs[0].elementCount, inputs[0].dimensions.last ?? 1)
  }

  // MARK: Gradient

  /// G·Bᵀ and Aᵀ·G, summed over broadcast dimensions.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (a, b, gradient) = (site.inputs[0], site.inputs[1], site.outputGradient)
    return [
      site.isNeeded[0]
        ? gradient.matrixProduct(b.matricesTransposed()).summed(to: a.shape) : nil,
      site.isNeeded[1]
        ? a.matricesTransposed().matrixProduct(gradient).summed(to: b.shape) : nil,
    ]
  }

  // MARK: Reference

  /// Nested loops over outputs and their sums.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (a, b) = (inputs[0], inputs[1])
    let inner = a.shape[a.shape.rank - 1]
    var result = ReferenceTensor(outputs[0])
    for position in outputs[0].indices {
      let (leading, row, column) = (
        position.dropLast(2), position[position.count - 2], position[position.count - 1]
      )
      for k in 0..<inner {
        result[position] +=
          a.broadcastElement(at: leading + [row, k])
          * b.broadcastElement(at: leading + [k, column])
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each number depends on a row and a column.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `matrix ·`.
  public var glyph: Glyph { Glyph("matrix ·", .convolution) }
}

// MARK: Building

extension Value {
  /// The products of the matrices [.., M, K] with others [.., K, N].
  public func matrixProduct(_ other: Value, name: String? = nil) -> Value {
    applying(MatrixProduct(), [other], name: name)
  }

  /// The last two dimensions exchanged.
  func matricesTransposed() -> Value {
    let rank = shape.rank
    return transposed(Array(0..<rank - 2) + [rank - 1, rank - 2])
  }
}
