/// The regions of the operands of a matrix product.
package struct MatrixProductOperands: Sendable {
  let first: Region
  let second: Region?
  let packed: Region?
  let output: Region

  /// Operands at given regions.
  ///
  /// - Parameters:
  ///   - second: the second tensor; nil if the plan reads only its packed form.
  ///   - packed: the result of the plan's packing; nil if it packs nothing.
  package init(first: Region, second: Region?, packed: Region?, output: Region) {
    self.first = first
    self.second = second
    self.packed = packed
    self.output = output
  }
}

/// A method of multiplying matrices, planned for one problem.
protocol MatrixProductMethod: KernelMethod
where Problem == MatrixProductProblem, Operands == MatrixProductOperands {
  /// The floats of the packed form of the second matrices; 0 if they are read in place.
  var packedCount: Int { get }
  /// Whether the second matrices are read in place.
  var readsSecond: Bool { get }
  /// What is packed, as text.
  var packingText: String { get }
  /// A kernel that packs the second matrices.
  func packing(from source: Region, to destination: Region) -> any Kernel
}

extension CatalogEntry where Problem == MatrixProductProblem, Method == any MatrixProductMethod {
  init<M: MatrixProductMethod>(_ method: M.Type) {
    self.init(name: M.title) { (problem, settings) throws(Refusal) in
      try M(problem, settings)
    }
  }
}
