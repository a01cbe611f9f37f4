import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// An operator that plans compute by its definition, on row-major tensors.
protocol DefinitionLowerable: Lowerable, TypedOperator {}

extension DefinitionLowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let types = zip(site.outputShapes, site.outputTypes).map { TensorType($0, $1) }
    @Sendable func operands(
      _ buffers: [BufferID], _ shapes: [Shape], _ types: [ElementType], _ placement: Placement
    ) -> [DefinedComputation.Operand] {
      buffers.indices.map { .init(placement.region(buffers[$0]), shapes[$0], types[$0]) }
    }
    program.step(site) { placement in
      DefinedComputation(
        operands(site.inputs, site.inputShapes, site.inputTypes, placement),
        to: operands(site.outputs, site.outputShapes, site.outputTypes, placement)
      ) { define($0, outputs: types) }
    }
  }
}

// MARK: The operators

extension Comparison: DefinitionLowerable {}
extension Selection: DefinitionLowerable {}
