import ConvoyTensors

/// A way to compute something: decides whether it can, and makes the kernel.
public struct CatalogEntry<Problem: Sendable, Operands: Sendable>: Sendable {
  /// What it is called.
  public let name: String
  /// Why it cannot on a machine, as a sentence's end; nil when it can.
  public let refusal: @Sendable (Problem, Machine) -> String?
  /// Makes the kernel for a problem it does not refuse; nil where the system refuses memory for code.
  let make: @Sendable (Problem, Operands, Machine) -> (any Kernel)?
}

/// The ways known to compute each kind of work, best first, one that never refuses last.
public enum Catalog {
  static let weightGradient: [CatalogEntry<ConvolutionProblem, WeightGradientOperands>] = [
    CatalogEntry(
      name: "generated weight gradient, broadcast",
      refusal: { GeneratedBroadcastWeightGradient.refusal($0, $1) },
      make: { GeneratedBroadcastWeightGradient($0, $1, $2) }),
    CatalogEntry(
      name: "generated weight gradient, lanes",
      refusal: { GeneratedLaneWeightGradient.refusal($0, $1) },
      make: { GeneratedLaneWeightGradient($0, $1, $2) }),
    CatalogEntry(
      name: "portable weight gradient, broadcast",
      refusal: { problem, _ in PortableBroadcastConvolution.refusal(problem) },
      make: { problem, operands, _ in PortableWeightGradient(broadcast: problem, operands) }),
    CatalogEntry(
      name: "portable weight gradient, lane by lane", refusal: { _, _ in nil },
      make: { problem, operands, _ in PortableWeightGradient(laneByLane: problem, operands) }),
  ]

  static let elementwise: [CatalogEntry<ElementwiseProblem, ElementwiseOperands>] = [
    CatalogEntry(
      name: "generated elementwise", refusal: { GeneratedElementwise.refusal($0, $1) },
      make: { GeneratedElementwise($0, $1, $2) }),
    CatalogEntry(
      name: "portable elementwise", refusal: { _, _ in nil },
      make: { problem, operands, _ in PortableElementwise(problem, operands) }),
  ]

  static let normalization: [CatalogEntry<NormalizationProblem, NormalizationOperands>] = [
    CatalogEntry(
      name: "generated batch norm", refusal: { GeneratedNormalization.refusal($0, $1) },
      make: { GeneratedNormalization($0, $1, $2) }),
    CatalogEntry(
      name: "portable batch norm", refusal: { _, _ in nil },
      make: { problem, operands, _ in PortableNormalization(problem, operands) }),
  ]

  static let pooling: [CatalogEntry<PoolingProblem, PoolingOperands>] = [
    CatalogEntry(
      name: "generated pooling", refusal: { GeneratedPooling.refusal($0, $1) },
      make: { GeneratedPooling($0, $1, $2) }),
    CatalogEntry(
      name: "portable pooling", refusal: { _, _ in nil },
      make: { problem, operands, _ in PortablePooling(problem, operands) }),
  ]

  static let poolingGradient: [CatalogEntry<PoolingGradientProblem, PoolingGradientOperands>] = [
    CatalogEntry(
      name: "generated pooling gradient", refusal: { GeneratedPoolingGradient.refusal($0, $1) },
      make: { GeneratedPoolingGradient($0, $1, $2) }),
    CatalogEntry(
      name: "portable pooling gradient", refusal: { _, _ in nil },
      make: { problem, operands, _ in PortablePoolingGradient(problem, operands) }),
  ]

  /// The kernel for an elementwise operation in planes.
  public static func elementwise(
    _ problem: ElementwiseProblem, _ operands: ElementwiseOperands, machine: Machine = .current
  ) -> any Kernel {
    choose(elementwise, problem, operands, machine)
  }

  /// The kernel for a batch normalisation by given statistics.
  public static func normalization(
    _ problem: NormalizationProblem, _ operands: NormalizationOperands, machine: Machine = .current
  ) -> any Kernel {
    choose(normalization, problem, operands, machine)
  }

  /// The kernel for a pooling.
  ///
  /// - Parameters:
  ///   - input: what the problem's image counts from.
  ///   - output: what its output counts from.
  public static func pooling(
    _ problem: PoolingProblem, input: Region, output: Region, machine: Machine = .current
  ) -> any Kernel {
    choose(pooling, problem, PoolingOperands(input: input, output: output), machine)
  }

  /// The kernel for the gradient of a pooling's image.
  public static func poolingGradient(
    _ problem: PoolingGradientProblem, _ operands: PoolingGradientOperands,
    machine: Machine = .current
  ) -> any Kernel {
    choose(poolingGradient, problem, operands, machine)
  }

  private static func choose<Problem, Operands>(
    _ entries: [CatalogEntry<Problem, Operands>], _ problem: Problem, _ operands: Operands,
    _ machine: Machine
  ) -> any Kernel {
    for entry in entries where entry.refusal(problem, machine) == nil {
      if let kernel = entry.make(problem, operands, machine) { return kernel }
    }
    preconditionFailure("The last entry of a catalog refuses nothing.")
  }
}
