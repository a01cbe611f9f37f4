import ConvoyTensors

/// How a piece of work is computed: decided once by its catalog, from the problem and the settings.
///
/// A plan includes tiles and generated code. It is placed at addresses later, any number of times.
package struct KernelPlan<Operands: Sendable>: Sendable, Equatable, CustomStringConvertible {
  private let method: any KernelMethod<Operands>
  private let candidates: [Candidate]

  init<Problem>(
    _ catalog: [CatalogEntry<Problem, any KernelMethod<Operands>>], _ problem: Problem,
    _ settings: KernelSettings
  ) {
    (method, candidates) = catalog.decide(problem, settings)
  }

  /// What was decided.
  package var decision: Decision {
    Decision(kernel: method.name, detail: method.detail, packing: "", candidates: candidates)
  }

  /// See `Decision.description`.
  package var description: String { decision.description }

  /// The kernel for operands at given regions.
  package func kernel(at operands: Operands) -> any Kernel { method.kernel(at: operands) }

  /// Whether both plans made the same decisions.
  package static func == (a: Self, b: Self) -> Bool {
    a.candidates == b.candidates && a.method.isEqual(to: b.method)
  }
}
