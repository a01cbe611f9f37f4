import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Selection: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    program.step(site) { placement in
      ElementSelection(
        site.outputShapes[0], of: site.outputTypes[0],
        zip(site.inputs, site.inputShapes).map { (placement.region($0), $1) },
        to: placement.region(site.outputs[0]))
    }
  }
}
