import ConvoyTensors

/// How a convolution is computed: decided once, from the problem and the settings.
///
/// A plan includes the form of the packed weights, tiles and generated code. It is placed at
/// addresses later.
package struct ConvolutionPlan: Sendable, Equatable, CustomStringConvertible {
  private let method: any ConvolutionMethod
  private let candidates: [Candidate]

  /// The plan of a problem; it ignores the offsets of the problem's planes.
  package init(_ problem: ConvolutionProblem, _ settings: KernelSettings = KernelSettings()) {
    (method, candidates) = Catalog.convolution.decide(problem.unplaced, settings)
  }

  /// What was decided.
  package var decision: Decision {
    Decision(
      kernel: method.name, detail: method.detail,
      packing: "\(method.packingText), \(Float.byteCount * method.weightCount) bytes",
      candidates: candidates)
  }

  /// See `Decision.description`.
  package var description: String { decision.description }

  /// The floats of the packed weights.
  package var weightCount: Int { method.weightCount }

  /// A kernel that packs the weights' tensor, [O, I∕G, k…], or [I, O∕G, k…] if transposed.
  package func packing(from source: Region, to destination: Region) -> any Kernel {
    method.packing(from: source, to: destination)
  }

  /// The kernel for operands at given regions.
  package func kernel(at operands: ConvolutionOperands) -> any Kernel {
    method.kernel(at: operands)
  }

  /// Whether both plans made the same decisions.
  package static func == (a: Self, b: Self) -> Bool {
    a.candidates == b.candidates && a.method.isEqual(to: b.method)
  }
}
