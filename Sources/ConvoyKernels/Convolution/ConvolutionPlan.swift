import ConvoyTensors

/// A way to convolve, decided for one problem, with the form in which it wants the weights.
protocol ConvolutionMethod: KernelMethod
where Problem == ConvolutionProblem, Operands == ConvolutionOperands {
  /// What is computed; the planes' places in it do not count.
  var problem: ConvolutionProblem { get }
  /// The floats that the weights take, packed.
  var weightCount: Int { get }
  /// In what form the weights are packed.
  var packingText: String { get }
  /// Packs the weights' tensor.
  func packing(from source: Region, to destination: Region) -> any Kernel
}

extension ConvolutionMethod {
  /// Rows of 16: see `WeightPacking`.
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
/// It knows how its weights are packed, its tiles and its code; it is placed at addresses later.
package struct ConvolutionPlan: Sendable, Equatable, CustomStringConvertible {
  private let method: any ConvolutionMethod
  private let candidates: [Candidate]

  /// The best way for a problem, whose planes may stand anywhere.
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

  /// The floats that the weights take, packed.
  package var weightCount: Int { method.weightCount }

  /// Packs the weights' tensor, [O, I∕G, k…] or transposed [I, O∕G, k…].
  package func packing(from source: Region, to destination: Region) -> any Kernel {
    method.packing(from: source, to: destination)
  }

  /// The kernel for numbers in their places.
  package func kernel(at operands: ConvolutionOperands) -> any Kernel {
    method.kernel(at: operands)
  }

  /// Whether the same was decided.
  package static func == (a: Self, b: Self) -> Bool {
    a.candidates == b.candidates && a.method.isEqual(to: b.method)
  }
}
