import ConvoyTensors

/// A way to compute something: decides whether it can, and makes the kernel.
public struct CatalogEntry<Problem: Sendable, Operands: Sendable>: Sendable {
  /// What it is called.
  public let name: String
  /// Why it cannot, as a sentence's end; nil when it can.
  public let refusal: @Sendable (Problem) -> String?
  /// Makes the kernel for a problem it does not refuse.
  let make: @Sendable (Problem, Operands) -> any Kernel
}

/// The ways known to compute each kind of work, best first, one that never refuses last.
public enum Catalog {
  static let convolution: [CatalogEntry<ConvolutionProblem, ConvolutionOperands>] = [
    CatalogEntry(
      name: "portable broadcast", refusal: { PortableBroadcastConvolution.refusal($0) },
      make: { PortableBroadcastConvolution($0, $1) }),
    CatalogEntry(
      name: "portable lane by lane", refusal: { _ in nil },
      make: { PortableLaneConvolution($0, $1) }),
  ]

  static let weightGradient: [CatalogEntry<ConvolutionProblem, WeightGradientOperands>] = [
    CatalogEntry(
      name: "portable weight gradient, broadcast",
      refusal: { PortableBroadcastConvolution.refusal($0) },
      make: { PortableWeightGradient(broadcast: $0, $1) }),
    CatalogEntry(
      name: "portable weight gradient, lane by lane", refusal: { _ in nil },
      make: { PortableWeightGradient(laneByLane: $0, $1) }),
  ]

  /// The kernel for a convolution.
  ///
  /// - Parameters:
  ///   - input: the base of the problem's input planes.
  ///   - weights: weights packed by `WeightPacking`.
  ///   - bias: 16 numbers an output plane, or nil.
  ///   - output: the base of the problem's output planes.
  ///   - tail: what is applied to each sum.
  public static func convolution(
    _ problem: ConvolutionProblem, input: Region, weights: Region, bias: Region?, output: Region,
    tail: Tail = Tail()
  ) -> any Kernel {
    let operands = ConvolutionOperands(
      input: input, weights: weights, bias: bias, output: output, tail: tail)
    return choose(convolution, problem, operands)
  }

  /// The kernel for the gradient of a forward convolution's weights.
  ///
  /// - Parameters:
  ///   - input: the base of the problem's input planes: the image.
  ///   - gradient: the base of the problem's output planes.
  ///   - weights: where the gradient goes, in the order of the weights' tensor.
  public static func weightGradient(
    _ problem: ConvolutionProblem, input: Region, gradient: Region, weights: Region
  ) -> any Kernel {
    choose(
      weightGradient, problem,
      WeightGradientOperands(input: input, gradient: gradient, weights: weights))
  }

  /// For each way to compute a convolution, best first, why it is refused; nil for those that can.
  public static func explanations(
    _ problem: ConvolutionProblem
  ) -> [(name: String, refusal: String?)] {
    convolution.map { ($0.name, $0.refusal(problem)) }
  }

  private static func choose<Problem, Operands>(
    _ entries: [CatalogEntry<Problem, Operands>], _ problem: Problem, _ operands: Operands
  ) -> any Kernel {
    for entry in entries where entry.refusal(problem) == nil {
      return entry.make(problem, operands)
    }
    preconditionFailure("The last entry of a catalog refuses nothing.")
  }
}
