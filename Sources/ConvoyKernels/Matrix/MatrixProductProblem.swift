package import ConvoyTensors

/// The products of the matrices in two row-major tensors, …×M×K and …×K×N.
package struct MatrixProductProblem: Hashable, Sendable {
  /// Rows of each product.
  let rows: Int
  /// Columns of the first matrices and rows of the second.
  let inner: Int
  /// Columns of each product.
  let columns: Int
  /// The number of matrices in the second tensor.
  let secondCount: Int
  /// Whether the second tensor is known when compiling.
  let isSecondConstant: Bool
  /// The positions of each product's matrices.
  let products: [Places]

  /// The positions of the matrices of one product.
  struct Places: Hashable, Sendable {
    /// Floats from the first tensor's beginning.
    var first: Int
    /// The index of the matrix in the second tensor.
    var second: Int
    /// Floats from the output's beginning.
    var output: Int
  }

  /// Products of matrices in broadcast tensors.
  ///
  /// - Parameters:
  ///   - shape: the output's shape, …×M×N.
  ///   - first: …×M×K; the leading dimensions are broadcast to the output's.
  ///   - second: …×K×N, likewise.
  ///   - isSecondConstant: whether the second tensor is known when compiling.
  package init(_ shape: Shape, _ first: Shape, _ second: Shape, isSecondConstant: Bool = false) {
    let leading = shape.dimensions.dropLast(2)
    inner = first[first.rank - 1]
    columns = shape[shape.rank - 1]
    secondCount = second.dimensions.dropLast(2).reduce(1, *)
    self.isSecondConstant = isSecondConstant
    let ownRows = shape[shape.rank - 2]
    let count = leading.reduce(1, *)
    if secondCount == 1, first.dimensions.dropLast(2).reduce(1, *) == count {
      // All rows are multiplied with the same matrix: they form one product.
      rows = count * ownRows
      products = [Places(first: 0, second: 0, output: 0)]
      return
    }
    rows = ownRows
    // A trailing dimension of 1, because the leading dimensions may be none.
    let all = Shape(leading + [1])
    let strides = [first, second].map { Shape($0.dimensions.dropLast(2) + [1]) }
      .map { $0.broadcastStrides(to: all) }
    let walk = StridedWalk(all.dimensions, strides)
    let (inner, columns) = (inner, columns)
    products = (0..<count).map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: walk.columns)
      let matrices = zip(walk.offsets(ofRow: row), walk.columnSteps).map { $0 + $1 * column }
      return Places(
        first: matrices[0] * ownRows * inner, second: matrices[1],
        output: index * ownRows * columns)
    }
  }
}
