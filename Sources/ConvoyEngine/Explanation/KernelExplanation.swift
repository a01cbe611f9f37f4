import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// How a step of a plan is computed: what was decided when it was compiled.
public struct StepExplanation: Hashable, Sendable, Encodable {
  /// The node it computes, or part of which it computes.
  public var node: String
  /// What its kernel is called in profiles.
  public var kernel: String
  /// How the kernel goes about it: its tiles. Empty where there is nothing to tell.
  public var detail: String
  /// In what form weights are packed; empty where none are.
  public var packing: String
  /// What the catalog said of each way it lists, best first; one way where there is but one.
  public var candidates: [KernelCandidate]
}

/// A way to compute a step, and what the catalog said of it.
public struct KernelCandidate: Hashable, Sendable, Encodable {
  /// What it is called.
  public var name: String
  /// Why it cannot, as a sentence's end; nil for the one that is used, and for those after it.
  public var refusal: String?
  /// Whether it is the one that is used.
  public var isChosen: Bool
}

extension KernelCandidate {
  init(_ candidate: Candidate) {
    name = candidate.name
    isChosen = candidate.verdict == .taken
    if case .refused(let reason) = candidate.verdict { refusal = reason }
  }
}

extension Plan {
  /// How each step is computed, in the order of a run: the decisions that the plan was made by.
  public var explanations: [StepExplanation] {
    steps.map { step in
      StepExplanation(
        node: step.name, kernel: step.kernel.name, detail: step.kernel.detail,
        packing: step.decision?.packing ?? "",
        candidates: step.decision?.candidates.map { KernelCandidate($0) }
          ?? [KernelCandidate(name: step.kernel.name, refusal: nil, isChosen: true)])
    }
  }
}

extension Graph {
  /// The program that compiling makes where parameters do not change, before memory is laid out and weights are
  /// packed: it takes no parameters and little memory.
  ///
  /// - Throws: `ConvoyError` as compiling does.
  func program(_ options: CompileOptions) throws(ConvoyError) -> Program {
    var compiler = try Compiler(self, frozen: [:], options: options)
    compiler.fuseEpilogues()
    compiler.chooseLayouts()
    try compiler.lower()
    return compiler.program
  }
}
