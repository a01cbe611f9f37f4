import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// How a step of a plan is computed: the decisions of compiling it.
public struct StepExplanation: Hashable, Sendable, Encodable {
  /// The node that the step computes, or a part of it.
  public var node: String
  /// The kernel's name in profiles.
  public var kernel: String
  /// The tiles of the kernel; empty for kernels without tiles.
  public var detail: String
  /// The form in which weights are packed; empty where none are.
  public var packing: String
  /// The catalog's verdict on each method, the preferred one first.
  public var candidates: [KernelCandidate]
}

/// A method of computing a step, and the catalog's verdict on it.
public struct KernelCandidate: Hashable, Sendable, Encodable {
  /// The method's name.
  public var name: String
  /// Why the method cannot compute the step, as the end of a sentence; nil for the method that is
  /// used, and for those after it.
  public var refusal: String?
  /// Whether the method is used.
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
  /// The program that compiling makes if parameters are constant, before the arena is planned and
  /// weights are packed. It needs no parameters, and little memory.
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
