import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let matrices: [String: Importing] = [
    "Gemm": single(generalProduct),
    "MatMul": single(product),
  ]

  /// alpha·A·B + beta·C: a linear layer where B is known.
  static func generalProduct(_ site: ImportSite) throws(ConvoyError) -> Value {
    let (alpha, beta) = (
      try site.attributes.float("alpha", default: 1), try site.attributes.float("beta", default: 1)
    )
    var a = try site.value(0)
    let isTransposed = try site.attributes.flag("transB")
    guard a.shape.rank == 2, try site.input(1).extents.count == 2 else {
      throw .refused("two matrices are expected")
    }
    if try site.attributes.flag("transA") { a = a.transposed([1, 0]) }
    guard site.knownConstant(1) != nil else {
      let b = try site.value(1)
      var result = site.apply(MatrixProduct(), [a, isTransposed ? b.transposed([1, 0]) : b])
      if alpha != 1 { result = result.scaled(by: alpha) }
      guard site.has(2) else { return result }
      let c = try site.value(2)
      return result + (beta == 1 ? c : c.scaled(by: beta))
    }
    let weights = try site.parameter(1) { constant throws(ConvoyError) in
      try (isTransposed ? constant : constant.transposed([1, 0])).scaled(by: alpha)
    }
    guard site.has(2) else { return site.apply(Linear(), [a, weights]) }
    let outputs = weights.shape[0]
    let extents = try site.input(2).extents
    if site.knownConstant(2) != nil, extents.last == outputs,
      extents.dropLast().allSatisfy({ $0 == 1 })
    {
      let bias = try site.parameter(2) { constant throws(ConvoyError) in
        try constant.reshaped([outputs]).scaled(by: beta)
      }
      return site.apply(Linear(), [a, weights, bias])
    }
    let c = try site.value(2)
    return site.apply(Linear(), [a, weights]) + (beta == 1 ? c : c.scaled(by: beta))
  }

  /// A linear layer where the second matrix is known, else a product of tables of matrices.
  private static func product(_ site: ImportSite) throws(ConvoyError) -> Value {
    let a = try site.value(0)
    let extents = try site.input(1).extents
    if let constant = site.knownConstant(1), constant.rank == 2, a.shape.rank >= 1 {
      let weights = try site.parameter(1) { constant throws(ConvoyError) in
        try constant.transposed([1, 0])
      }
      let (features, outputs) = (weights.shape[1], weights.shape[0])
      if a.shape.rank == 2 { return site.apply(Linear(), [a, weights]) }
      let rows = a.reshaped([-1, features])
      let kept = Array(a.shape.dimensions.dropLast())
      return site.reshape(site.apply(Linear(), [rows, weights]), Self.rows(kept) + [outputs])
    }
    let b = try site.value(1)
    if a.shape.rank >= 2, extents.count >= 2 { return site.apply(MatrixProduct(), [a, b]) }
    guard a.shape.rank >= 1, extents.count >= 1 else { throw .refused("matrices are expected") }
    // A vector is a row on the left and a column on the right, and leaves its dimension out.
    let left = a.shape.rank == 1 ? a.reshaped([1, -1]) : a
    let right = extents.count == 1 ? b.reshaped([-1, 1]) : b
    let result = site.apply(MatrixProduct(), [left, right])
    var kept = result.shape.dimensions
    if extents.count == 1 { kept.removeLast() }
    if a.shape.rank == 1 { kept.remove(at: kept.count - (extents.count == 1 ? 1 : 2)) }
    return result.reshaped(kept)
  }

  /// A pattern of rows that were laid out below one another, the first of which is the batch.
  private static func rows(_ extents: [Int]) -> [Int] {
    extents.isEmpty ? [] : [-1] + extents.dropFirst()
  }
}

extension ConstantTensor {
  /// Every float multiplied.
  fileprivate func scaled(by factor: Float) throws(ConvoyError) -> ConstantTensor {
    if factor == 1 { return self }
    if let fill { return try ConstantTensor(extents, filledWith: fill * factor, source: source) }
    return ConstantTensor(extents, try floats().map { $0 * factor }, source: source)
  }
}

// MARK: Export

extension Linear: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish("Gemm", site.inputs, [.init("transB", 1)])
  }
}

extension MatrixProduct: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) { site.finish("MatMul", site.inputs) }
}
