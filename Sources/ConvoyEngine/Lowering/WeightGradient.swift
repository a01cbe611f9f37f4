import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension ConvolutionForm {
  /// Inputs: image and gradient.
  func weightGradientLayouts(at site: LoweringSite) -> NodeLayouts {
    let halo = halo(input: site.inputShapes[0], output: site.inputShapes[1])
    return NodeLayouts(inputs: [.planes(halo: halo), .planes], outputs: [.dense])
  }

  func lowerWeightGradient(_ site: LoweringSite, into program: inout Program) {
    program.step(site) { placement in
      Catalog.weightGradient(
        problem(
          input: placement.planes(site.inputs[0]), output: placement.planes(site.inputs[1])),
        input: placement.base(site.inputs[0]), gradient: placement.base(site.inputs[1]),
        weights: placement.region(site.outputs[0]), machine: site.machine)
    }
  }
}

extension ConvolutionWeightGradient: Lowerable {
  private func form(_ site: LoweringSite) -> ConvolutionForm {
    ConvolutionForm(
      .forward, window, groups: groups, image: Array(site.inputShapes[0].dimensions.dropFirst(2)))
  }

  func layouts(at site: LoweringSite) -> NodeLayouts {
    form(site).weightGradientLayouts(at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    form(site).lowerWeightGradient(site, into: &program)
  }
}

extension LinearWeightGradient: Lowerable {
  func layouts(at site: LoweringSite) -> NodeLayouts {
    ConvolutionForm.linear(.forward).weightGradientLayouts(at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    ConvolutionForm.linear(.forward).lowerWeightGradient(site, into: &program)
  }
}
