import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// An operator that plans compute by its definition, on row-major tensors.
protocol DefinitionLowerable: Lowerable, TypedOperator {}

extension DefinitionLowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) { program.define(self, at: site) }
}

extension Program {
  /// Adds a step that runs an operator's definition; inputs and outputs are row-major.
  mutating func define(_ operation: some TypedOperator, at site: LoweringSite) {
    let types = zip(site.outputShapes, site.outputTypes).map { TensorType($0, $1) }
    @Sendable func operands(
      _ buffers: [BufferID], _ shapes: [Shape], _ types: [ElementType], _ placement: Placement
    ) -> [DefinedComputation.Operand] {
      buffers.indices.map { .init(placement.region(buffers[$0]), shapes[$0], types[$0]) }
    }
    step(site) { placement in
      DefinedComputation(
        operands(site.inputs, site.inputShapes, site.inputTypes, placement),
        to: operands(site.outputs, site.outputShapes, site.outputTypes, placement)
      ) { operation.define($0, outputs: types) }
    }
  }
}

// MARK: The operators

extension ArgReduction: DefinitionLowerable {}
extension Bitwise: DefinitionLowerable {}
extension BoxSuppression: DefinitionLowerable {}
extension Comparison: DefinitionLowerable {}
extension Cumulation: DefinitionLowerable {}
extension DeformableConvolution: DefinitionLowerable {}
extension Dequantization: DefinitionLowerable {}
extension Gather: DefinitionLowerable {}
extension GridSampling: DefinitionLowerable {}
extension IntegerConvolution: DefinitionLowerable {}
extension IntegerMatrixProduct: DefinitionLowerable {}
extension PoolingPositions: DefinitionLowerable {}
extension Quantization: DefinitionLowerable {}
extension Recurrence: DefinitionLowerable {}
extension RegionAlignment: DefinitionLowerable {}
extension RegionPooling: DefinitionLowerable {}
extension Remainder: DefinitionLowerable {}
extension Resampling: DefinitionLowerable {}
extension ScalarMap: DefinitionLowerable {}
extension Scatter: DefinitionLowerable {}
extension TopK: DefinitionLowerable {}
