import ConvoyTensors

/// What, besides the problem, decides which kernel is taken.
package struct KernelSettings: Hashable, Sendable {
  /// What the kernel is to run on.
  package var machine: Machine
  /// Whether sums may be computed in Winograd's form: several times faster, and less exact. See
  /// `Documentation/Winograd.md`.
  package var allowsWinograd: Bool
  /// Whether weights are packed in every run, as in training, rather than once.
  package var weightsChange: Bool

  /// Describes the settings.
  package init(
    machine: Machine = .current, allowsWinograd: Bool = true, weightsChange: Bool = false
  ) {
    self.machine = machine
    self.allowsWinograd = allowsWinograd
    self.weightsChange = weightsChange
  }
}

/// What a catalog said of one of its ways to compute a piece of work.
package struct Candidate: Hashable, Sendable {
  /// What was said.
  package enum Verdict: Hashable, Sendable {
    /// It cannot; why, as a sentence's end.
    case refused(String)
    /// It computes the work.
    case taken
    /// A better one was taken.
    case notAsked
  }

  /// What the way is called: `generated lanes`.
  package let name: String
  /// What was said of it.
  package let verdict: Verdict
}

/// What was decided for a piece of work, for people.
package struct Decision: Hashable, Sendable, CustomStringConvertible {
  /// What the kernel is called in profiles: `avx512 lanes, plain`.
  package var kernel: String
  /// How it goes about the work: its tiles. Empty where there is nothing to tell.
  package var detail: String
  /// In what form it has its weights; empty where it has none.
  package var packing: String
  /// What the catalog said of each way it lists, best first.
  package var candidates: [Candidate]

  /// The kernel, how it goes about it, and why better ones refused.
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
/// It knows tiles and has its code. It is placed at addresses later, as often as wanted.
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

  /// The kernel for numbers in their places.
  package func kernel(at operands: Operands) -> any Kernel { method.kernel(at: operands) }

  /// Whether the same was decided.
  package static func == (a: Self, b: Self) -> Bool {
    a.candidates == b.candidates && a.method.isEqual(to: b.method)
  }
}

/// A value behind a reference: to take hold of it costs as much as of one array, however many it has.
final class Shared<Value: Equatable & Sendable>: Equatable, Sendable {
  let value: Value

  init(_ value: Value) { self.value = value }

  static func == (a: Shared, b: Shared) -> Bool { a === b || a.value == b.value }
}
