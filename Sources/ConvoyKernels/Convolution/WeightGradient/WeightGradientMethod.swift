import ConvoyTensors

/// The regions of the operands of a weight gradient's kernels.
package struct WeightGradientOperands: Sendable {
  /// The problem's input planes: the image.
  package var input: PlanePlaces
  /// The problem's output planes: the gradient.
  package var gradient: PlanePlaces
  /// Scratch memory for sums over parts of the pixels: see `PartialSums`.
  package var sums: Region
  /// The weights' gradient, in the order of the weights' tensor.
  package var weights: Region

  /// Operands at given regions.
  package init(input: PlanePlaces, gradient: PlanePlaces, sums: Region, weights: Region) {
    self.input = input
    self.gradient = gradient
    self.sums = sums
    self.weights = weights
  }
}

/// A method of computing the gradient of a forward convolution's weights, planned for one problem.
protocol WeightGradientMethod: KernelMethod
where Problem == ConvolutionProblem, Operands == WeightGradientOperands {
  /// The number of parts of the pixels, whose sums `WeightGradientTotals` adds. It depends on the
  /// problem alone, so that every number is summed in one order. 0 where the kernel stores the
  /// gradient itself.
  var partCount: Int { get }
  /// For each group, the offset of each pair of input channel and tap in the weights' tensor (see
  /// `WeightOrder`), in the order of the sums; nil where that is the order of the weights.
  var pairOffsets: [[Int]]? { get }
}

extension WeightGradientMethod {
  var pairOffsets: [[Int]]? { nil }
}

extension CatalogEntry where Problem == ConvolutionProblem, Method == any WeightGradientMethod {
  init<M: WeightGradientMethod>(_ method: M.Type) {
    self.init(name: M.title) { (problem, settings) throws(Refusal) in
      try M(problem, settings)
    }
  }
}
