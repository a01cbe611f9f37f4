package import ConvoyTensors

/// The methods of computing each kind of work, the preferred one first; the last one refuses
/// nothing.
package enum Catalog {
  static let convolution: [CatalogEntry<ConvolutionProblem, any ConvolutionMethod>] = [
    CatalogEntry(WinogradConvolution.self), CatalogEntry(DenseConvolution.self),
    CatalogEntry(LaneConvolution.self), CatalogEntry(PortableDenseConvolution.self),
    CatalogEntry(PortableLaneConvolution.self),
  ]

  static let weightGradient: [CatalogEntry<ConvolutionProblem, any WeightGradientMethod>] = [
    CatalogEntry(DenseWeightGradient.self), CatalogEntry(LaneWeightGradient.self),
    CatalogEntry(PortableDenseWeightGradient.self), CatalogEntry(PortableLaneWeightGradient.self),
  ]

  static let matrixProduct: [CatalogEntry<MatrixProductProblem, any MatrixProductMethod>] = [
    CatalogEntry(GeneratedMatrixProduct.self), CatalogEntry(PortableMatrixProduct.self),
  ]

  static let elementwise:
    [CatalogEntry<ElementwiseProblem, any KernelMethod<ElementwiseOperands>>] =
      [CatalogEntry(GeneratedElementwise.self), CatalogEntry(PortableElementwise.self)]

  static let normalization:
    [CatalogEntry<NormalizationProblem, any KernelMethod<NormalizationOperands>>] = [
      CatalogEntry(GeneratedNormalization.self), CatalogEntry(PortableNormalization.self),
    ]

  static let pooling: [CatalogEntry<PoolingProblem, any KernelMethod<PoolingOperands>>] = [
    CatalogEntry(GeneratedPooling.self), CatalogEntry(PortablePooling.self),
  ]

  static let poolingGradient:
    [CatalogEntry<PoolingGradientProblem, any KernelMethod<PoolingGradientOperands>>] = [
      CatalogEntry(GeneratedPoolingGradient.self), CatalogEntry(PortablePoolingGradient.self),
    ]

  /// The plan of an elementwise operation in planes.
  package static func elementwise(
    _ problem: ElementwiseProblem, _ settings: KernelSettings = KernelSettings()
  ) -> KernelPlan<ElementwiseOperands> {
    KernelPlan(elementwise, problem, settings)
  }

  /// The plan of an elementwise computation of neighbouring numbers, where code is generated for it.
  ///
  /// - Parameter count: the numbers; up to 15 more are read and written, to a multiple of 64 bytes.
  /// - Returns: a plan for operands of a single plane; nil where no code can be generated.
  package static func elementwise(
    _ operation: LaneOperation, ofNeighbours count: Int, isBinary: Bool, epilogue: ScalarFunction?,
    _ settings: KernelSettings
  ) -> KernelPlan<ElementwiseOperands>? {
    let pixels = (count + PlaneLayout.lanes - 1) / PlaneLayout.lanes
    // Rows of one pixel: a chunk may end anywhere, and its rows are processed as one.
    let line = PlaneLayout(
      batch: 1, channels: PlaneLayout.lanes, extents: Extents(1, pixels, 1))
    let plan = elementwise(
      ElementwiseProblem(operation, line, isBinary ? line : nil, to: line, epilogue: epilogue),
      settings)
    return plan.decision.refusals.isEmpty ? plan : nil
  }

  /// The plan of a batch normalisation by given statistics.
  package static func normalization(
    _ problem: NormalizationProblem, _ settings: KernelSettings = KernelSettings()
  ) -> KernelPlan<NormalizationOperands> {
    KernelPlan(normalization, problem, settings)
  }

  /// The plan of a pooling.
  package static func pooling(
    _ problem: PoolingProblem, _ settings: KernelSettings = KernelSettings()
  ) -> KernelPlan<PoolingOperands> {
    KernelPlan(pooling, problem, settings)
  }

  /// The plan of the gradient of a pooling's image.
  package static func poolingGradient(
    _ problem: PoolingGradientProblem, _ settings: KernelSettings = KernelSettings()
  ) -> KernelPlan<PoolingGradientOperands> {
    KernelPlan(poolingGradient, problem, settings)
  }
}
