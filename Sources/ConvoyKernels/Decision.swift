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

  /// Why preferred methods refused.
  package var refusals: [String] {
    candidates.compactMap { candidate in
      if case .refused(let reason) = candidate.verdict {
        "\(candidate.name): \(reason)"
      } else {
        nil
      }
    }
  }

  /// The kernel, its tiles, and why preferred methods refused.
  package var description: String {
    ([kernel, detail, packing].filter { !$0.isEmpty } + refusals).joined(separator: "; ")
  }
}
