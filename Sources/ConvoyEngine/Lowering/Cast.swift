import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Cast: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    program.step(site) {
      TypeConversion(
        count: site.outputShapes[0].elementCount,
        from: TypedRegion($0.region(site.inputs[0]), site.inputTypes[0]),
        to: TypedRegion($0.region(site.outputs[0]), site.outputTypes[0]))
    }
  }
}
