import ConvoyTensors

/// A method of computing a convolution, planned for one problem, with the form of its packed
/// weights.
protocol ConvolutionMethod: KernelMethod
where Problem == ConvolutionProblem, Operands == ConvolutionOperands {
  /// The problem; the offsets of its planes are ignored.
  var problem: ConvolutionProblem { get }
  /// The floats of the packed weights.
  var weightCount: Int { get }
  /// The form in which the weights are packed, as text.
  var packingText: String { get }
  /// A kernel that packs the weights' tensor.
  func packing(from source: Region, to destination: Region) -> any Kernel
}

extension ConvolutionMethod {
  /// The size of rows of 16: see `WeightPacking`.
  var weightCount: Int { WeightPacking.elementCount(problem) }

  var packingText: String { "weights in rows of 16 outputs" }

  func packing(from source: Region, to destination: Region) -> any Kernel {
    WeightPacking(problem, from: source, to: destination)
  }
}

extension CatalogEntry where Problem == ConvolutionProblem, Method == any ConvolutionMethod {
  init<M: ConvolutionMethod>(_ method: M.Type) {
    self.init(name: M.title) { (problem, settings) throws(Refusal) in
      try M(problem, settings)
    }
  }
}

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
