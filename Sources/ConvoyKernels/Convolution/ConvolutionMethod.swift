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
