import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension MatrixProduct: Lowerable {
  func layouts(at site: LoweringSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    program.step(site) {
      MatrixMultiplication(
        site.outputShapes[0], $0.region(site.inputs[0]), site.inputShapes[0],
        $0.region(site.inputs[1]), site.inputShapes[1], to: $0.region(site.outputs[0]))
    }
  }
}
