import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension BatchNormalization: Lowerable {
  var epilogue: EpilogueSupport { .function }

  func layouts(at site: LayoutSite) -> NodeLayouts {
    let order = site.planewiseOrder
    return NodeLayouts(
      inputs: [.planes(halo: .none, order: .init(order)), .dense, .dense, .dense, .dense],
      outputs: [.planes], outputOrders: [order])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (image, output) = (site.inputs[0], site.outputs[0])
    let plan = Catalog.normalization(
      NormalizationProblem(
        program.planes(of: image), to: program.planes(of: output), epilogue: site.epilogue),
      site.settings)
    program.step(site, plan) {
      NormalizationOperands(
        ChannelStatistics(
          scale: $0.region(site.inputs[1]), mean: $0.region(site.inputs[3]),
          variance: $0.region(site.inputs[4]), epsilon: epsilon),
        shift: $0.region(site.inputs[2]), image: $0.places(image), output: $0.places(output))
    }
  }
}
