import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension ConvolutionForm {
  /// Inputs: image and gradient, in the orders in which the convolution reads and writes them.
  func weightGradientLayouts(at site: LayoutSite) -> NodeLayouts {
    let halo = halo(input: site.inputShapes[0], output: site.inputShapes[1])
    var convolution = site
    convolution.node.outputShapes = [site.inputShapes[1]]
    convolution.preferredOrder = nil
    let orders = ConvolutionOrders(groups: groups, convolution)
    let image = NodeLayouts.Request.planes(halo: halo, order: orders.input)
    return NodeLayouts(
      inputs: [
        takesFewRowMajorChannels(at: site) ? .padded(halo: halo) : image,
        .planes(halo: .none, order: groups == 1 ? .any(preferred: nil) : .init(orders.output)),
      ], outputs: [.dense])
  }

  func lowerWeightGradient(_ site: LoweringSite, into program: inout Program) {
    let (image, gradient) = (site.inputs[0], site.inputs[1])
    let plan = WeightGradientPlan(
      problem(input: program.planes(of: image), output: program.planes(of: gradient)),
      site.settings)
    @Sendable func kernels(_ placement: Placement, sums: Region) -> [any Kernel] {
      plan.kernels(
        at: WeightGradientOperands(
          input: placement.places(image), gradient: placement.places(gradient), sums: sums,
          weights: placement.region(site.outputs[0])))
    }
    guard plan.sumCount > 0 else {
      return program.step(site, decision: plan.decision) { kernels($0, sums: $0.base(image))[0] }
    }
    let sums = program.arena(count: plan.sumCount)
    program.step(site, writes: [sums], decision: plan.decision) {
      kernels($0, sums: $0.region(sums))[0]
    }
    program.step(site, reads: [sums]) { kernels($0, sums: $0.region(sums))[1] }
  }
}

extension ConvolutionWeightGradient: Lowerable {
  private func form(_ site: some NodeSite) -> ConvolutionForm {
    ConvolutionForm(
      .forward, window, groups: groups, image: Array(site.inputShapes[0].dimensions.dropFirst(2)))
  }

  func layouts(at site: LayoutSite) -> NodeLayouts {
    form(site).weightGradientLayouts(at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    form(site).lowerWeightGradient(site, into: &program)
  }
}

extension LinearWeightGradient: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    ConvolutionForm.linear(.forward).weightGradientLayouts(at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    ConvolutionForm.linear(.forward).lowerWeightGradient(site, into: &program)
  }
}
