import ConvoyTensors

/// What decides, besides the problem, which kernel is used.
package struct KernelSettings: Hashable, Sendable {
  /// The machine that the kernel runs on.
  package var machine: Machine
  /// Whether convolutions may be computed by Winograd's algorithm, which is several times faster
  /// and less exact. See `Documentation/Winograd.md`.
  package var allowsWinograd: Bool
  /// Whether weights are packed in every run, as in training, rather than once when compiling.
  package var weightsChange: Bool

  /// Settings for a machine.
  package init(
    machine: Machine = .current, allowsWinograd: Bool = true, weightsChange: Bool = false
  ) {
    self.machine = machine
    self.allowsWinograd = allowsWinograd
    self.weightsChange = weightsChange
  }
}

/// A method in a catalog, and its verdict on a piece of work.
package struct Candidate: Hashable, Sendable {
  /// The verdict on a method.
  package enum Verdict: Hashable, Sendable {
    /// The method cannot compute the work; the reason, as the end of a sentence.
    case refused(String)
    /// The method computes the work.
    case taken
    /// A preferred method computes the work; this one was not tried.
    case notAsked
  }

  /// The method's name: `generated lanes`.
  package let name: String
  /// The verdict.
  package let verdict: Verdict
}

/// What was decided for a piece of work, as text.
package struct Decision: Hashable, Sendable, CustomStringConvertible {
  /// The kernel's name in profiles: `avx512 lanes, plain`.
  package var kernel: String
  /// The tiles of the kernel; empty for kernels without tiles.
  package var detail: String
  /// The form in which the weights are packed; empty where there are none.
  package var packing: String
  /// The verdict on each method of the catalog, the preferred one first.
  package var candidates: [Candidate]

  /// The kernel, its tiles, and why preferred methods refused.
  package var description: String {
    let refusals = candidates.compactMap { candidate in
      if case .refused(let reason) = candidate.verdict {
        "\(candidate.name): \(reason)"
      } else {
        nil
      }
    }
    return ([kernel, detail, packing].filter { !$0.isEmpty } + refusals).joined(separator: "; ")
  }
}

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

/// A value behind a reference: a copy costs one retain, however many references the value has.
final class Shared<Value: Equatable & Sendable>: Equatable, Sendable {
  let value: Value

  init(_ value: Value) { self.value = value }

  static func == (a: Shared, b: Shared) -> Bool { a === b || a.value == b.value }
}
