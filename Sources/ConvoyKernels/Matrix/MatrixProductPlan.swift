/// How products of matrices are computed: decided once, from the problem and the settings, and
/// placed at addresses later.
package struct MatrixProductPlan: Sendable, Equatable, CustomStringConvertible {
  private let method: any MatrixProductMethod
  private let candidates: [Candidate]

  /// The plan of a problem.
  package init(_ problem: MatrixProductProblem, _ settings: KernelSettings = KernelSettings()) {
    (method, candidates) = Catalog.matrixProduct.decide(problem, settings)
  }

  /// What was decided.
  package var decision: Decision {
    Decision(
      kernel: method.name, detail: method.detail, packing: method.packingText,
      candidates: candidates)
  }

  /// See `Decision.description`.
  package var description: String { decision.description }

  /// The floats of the packed form of the second matrices; 0 if all are read in place.
  package var packedCount: Int { method.packedCount }

  /// Whether the second matrices are read in place, perhaps except for their last columns.
  package var readsSecond: Bool { method.readsSecond }

  /// A kernel that packs the second matrices.
  package func packing(from source: Region, to destination: Region) -> any Kernel {
    method.packing(from: source, to: destination)
  }

  /// The kernel for operands at given regions.
  package func kernel(at operands: MatrixProductOperands) -> any Kernel {
    method.kernel(at: operands)
  }

  /// Whether both plans made the same decisions.
  package static func == (a: Self, b: Self) -> Bool {
    a.candidates == b.candidates && a.method.isEqual(to: b.method)
  }
}
