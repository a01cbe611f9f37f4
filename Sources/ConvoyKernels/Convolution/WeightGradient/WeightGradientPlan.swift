import ConvoyTensors

/// How the gradient of a forward convolution's weights is computed: in one step, or in two, of
/// which the first computes sums over parts of the pixels.
///
/// It is decided once, from the problem and the settings, and placed at addresses later.
package struct WeightGradientPlan: Sendable, Equatable, CustomStringConvertible {
  private let problem: ConvolutionProblem
  private let method: any WeightGradientMethod
  private let candidates: [Candidate]

  /// The plan of a problem; it ignores the offsets of the problem's planes.
  package init(_ problem: ConvolutionProblem, _ settings: KernelSettings = KernelSettings()) {
    self.problem = problem.unplaced
    (method, candidates) = Catalog.weightGradient.decide(problem.unplaced, settings)
  }

  /// What was decided.
  package var decision: Decision {
    Decision(kernel: method.name, detail: method.detail, packing: "", candidates: candidates)
  }

  /// See `Decision.description`.
  package var description: String { decision.description }

  /// The floats of the sums over parts of the pixels; 0 if there is only one step.
  package var sumCount: Int { PartialSums(problem).count(parts: method.partCount) }

  /// The kernels for operands at given regions, to be run in order: two where there are partial
  /// sums, otherwise one.
  package func kernels(at operands: WeightGradientOperands) -> [any Kernel] {
    let kernel = method.kernel(at: operands)
    guard method.partCount > 0 else { return [kernel] }
    return [kernel, WeightGradientTotals(problem, operands, of: method)]
  }

  /// Whether both plans made the same decisions.
  package static func == (a: Self, b: Self) -> Bool {
    a.candidates == b.candidates && a.problem == b.problem && a.method.isEqual(to: b.method)
  }
}
