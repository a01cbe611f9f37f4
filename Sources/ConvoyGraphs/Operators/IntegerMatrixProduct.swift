public import ConvoyTensors

// MARK: Attributes

/// The products of the matrices of 8-bit integers in two tensors, summed in 32 bits.
///
/// Inputs: [.., M, K] and [.., K, N], whose leading dimensions are aligned at the right and
/// broadcast, and optionally the integers that stand for 0 in each, which are broadcast to it. All
/// have 8 bits, with or without sign. Output: [.., M, N] of type int32: the sums of products of
/// differences from these zero points. Sums that overflow wrap around.
///
/// Source: ONNX, `MatMulInteger`.
public struct IntegerMatrixProduct: TypedOperator {
  /// See `Operator.name`.
  public static let name = "integerMatrixProduct"

  /// Describes a product of matrices of integers.
  public init() {}

  // MARK: Shape and type

  /// As that of `MatrixProduct`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...4)
    for (zeroPoints, operand) in zip(inputs.dropFirst(2), inputs) {
      try operand.validate(zeroPoints: zeroPoints)
    }
    return try MatrixProduct().outputShapes(for: Array(inputs.prefix(2)))
  }

  /// Integers of 8 bits become integers of 32 bits.
  public var types: TypeRule { TypeRule([[.int8, .uint8]], outputs: [.int32]) }

  // MARK: Cost

  /// As that of `MatrixProduct`.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    MatrixProduct().multiplyAdds(inputs: inputs, outputs: outputs)
  }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  // MARK: Definition

  /// Loops over matrices, rows, sums and columns.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let output = outputs[0].shape
    let (a, b) = (inputs.differences(0), inputs.differences(1))
    let leading = Shape(output.dimensions.dropLast(2))
    // Which matrix of each input belongs to each of the output.
    let places = inputs.prefix(2).map { input in
      let own = Shape(input.shape.dimensions.dropLast(2))
      return Tensor(known: own, (0..<own.elementCount).map { Int64($0) })
        .spread(to: leading, as: Int64.self).map { Int($0) }
    }
    let (rows, columns) = (output[output.rank - 2], output[output.rank - 1])
    let sums = inputs[0].shape[inputs[0].shape.rank - 1]
    var result = [Int32](repeating: 0, count: output.elementCount)
    result.withUnsafeMutableBufferPointer { result in
      b.withUnsafeBufferPointer { b in
        for matrix in 0..<leading.elementCount {
          for row in 0..<rows {
            let to = (matrix * rows + row) * columns
            let left = (places[0][matrix] * rows + row) * sums
            for k in 0..<sums {
              let factor = a[left + k]
              let right = (places[1][matrix] * sums + k) * columns
              for column in 0..<columns { result[to + column] &+= factor &* b[right + column] }
            }
          }
        }
      }
    }
    return [Tensor(known: output, result)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each number depends on a row and a column.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `matrix · int8`.
  public var glyph: Glyph { Glyph("matrix · int8", .convolution) }
}
