import ConvoyTensors

/// Where the kernels of a weight gradient find their numbers.
struct WeightGradientOperands: Sendable {
  /// The base of the problem's input planes: the image.
  var input: Region
  /// The base of the problem's output planes: the gradient.
  var gradient: Region
  /// Sums over parts of the pixels: see `PartialSums`.
  var sums: Region
  /// The weights' gradient, in the order of the weights' tensor.
  var weights: Region
}

/// How the gradient of a forward convolution's weights is computed: in one step, or in two, of which the
/// first makes sums over parts of the pixels.
///
/// It is settled before it is known where numbers lie, since there must be a place for the sums.
public struct WeightGradientChoice: Sendable {
  private let machine: Machine
  private let entry: CatalogEntry<ConvolutionProblem, WeightGradientOperands>
  /// Floats of the sums over parts of the pixels; 0 where there is but one step.
  public let sumCount: Int

  /// Chooses the best way.
  public init(_ problem: ConvolutionProblem, machine: Machine = .current) {
    self.machine = machine
    let nowhere = Region(.arena, offset: 0)
    let operands = WeightGradientOperands(
      input: nowhere, gradient: nowhere, sums: nowhere, weights: nowhere)
    for entry in Catalog.weightGradient where entry.refusal(problem, machine) == nil {
      guard let kernel = entry.make(problem, operands, machine) else { continue }
      self.entry = entry
      let partCount = (kernel as? any PartialWeightGradient)?.parts.count ?? 0
      sumCount = PartialSums(problem).count(parts: partCount)
      return
    }
    preconditionFailure("The last entry of a catalog refuses nothing.")
  }

  /// The kernels, to be run one after the other: two where there are sums, else one.
  ///
  /// - Parameters:
  ///   - problem: that of the choice, but for where its planes are.
  ///   - input: the base of the problem's input planes: the image.
  ///   - gradient: the base of the problem's output planes.
  ///   - sums: room for the sums.
  ///   - weights: where the gradient goes, in the order of the weights' tensor.
  public func kernels(
    _ problem: ConvolutionProblem, input: Region, gradient: Region, sums: Region, weights: Region
  ) -> [any Kernel] {
    let operands = WeightGradientOperands(
      input: input, gradient: gradient, sums: sums, weights: weights)
    guard let kernel = entry.make(problem, operands, machine) else {
      preconditionFailure("Code that could be made once is there to the end of the process.")
    }
    guard let partial = kernel as? any PartialWeightGradient else { return [kernel] }
    return [partial, WeightGradientTotals(problem, operands, of: partial)]
  }
}
