import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// A convolution's shapes and window in the form of kernels: three spatial dimensions.
struct ConvolutionForm: Sendable {
  var direction: ConvolutionProblem.Direction
  var kernel: Extents
  var stride: Extents
  var dilation: Extents
  var padding: Extents
  var groups: Int

  /// - Parameter image: the spatial extents that the window's padding refers to.
  init(
    _ direction: ConvolutionProblem.Direction, _ window: Window, groups: Int, image: [Int]
  ) {
    self.direction = direction
    self.groups = groups
    kernel = Extents(spatial: window.kernel)
    stride = Extents(spatial: window.stride)
    dilation = Extents(spatial: window.dilation)
    padding = Extents(spatial: window.resolvedPadding(for: image).map(\.before), missing: 0)
  }

  /// A linear layer: a 1×1 convolution of 1×1 maps.
  static func linear(_ direction: ConvolutionProblem.Direction) -> ConvolutionForm {
    ConvolutionForm(direction, Window(kernel: [1]), groups: 1, image: [1])
  }

  func halo(input: Shape, output: Shape) -> Halo {
    ConvolutionProblem.halo(
      direction, kernel: kernel, stride: stride, dilation: dilation, padding: padding,
      input: Extents(spatial: input.dimensions.dropFirst(2)),
      output: Extents(spatial: output.dimensions.dropFirst(2)))
  }

  func problem(input: PlaneLayout, output: PlaneLayout) -> ConvolutionProblem {
    ConvolutionProblem(
      direction, kernel: kernel, stride: stride, dilation: dilation, padding: padding,
      groups: groups, input: input, output: output)
  }

  /// Inputs: image, weights, and optionally a bias.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    let halo = halo(input: site.inputShapes[0], output: site.outputShapes[0])
    let orders = ConvolutionOrders(groups: groups, site)
    let image = NodeLayouts.Request.planes(halo: halo, order: orders.input)
    let rest = site.inputShapes.dropFirst().map { _ in NodeLayouts.Request.dense }
    return NodeLayouts(
      inputs: [takesRowMajor(at: site) ? .padded(halo: halo) : image] + rest,
      outputs: [.planes], outputOrders: [orders.output])
  }

  /// Whether an image is read row-major. It is where it is row-major already, and planes would be
  /// mostly empty, as with three channels, or would cost as much to make as to read once, as with
  /// linear layers.
  func takesRowMajor(at site: LayoutSite) -> Bool {
    if takesFewRowMajorChannels(at: site) { return true }
    // Where weights change, their gradient needs the vectors in planes in any case.
    return groups == 1 && isRowMajor(at: site) && site.isFrozen[1]
      && site.inputShapes[0].dimensions.dropFirst(2).allSatisfy { $0 == 1 }
  }

  /// Whether an image of fewer channels than a plane has lanes is read row-major: the only case in
  /// which the gradient of weights reads it so too.
  func takesFewRowMajorChannels(at site: LayoutSite) -> Bool {
    groups == 1 && isRowMajor(at: site) && site.inputShapes[0][1] < PlaneLayout.lanes
  }

  private func isRowMajor(at site: LayoutSite) -> Bool {
    site.inputKinds.first.map { $0 != .planes } ?? false
  }

  /// Adds the steps that pack weights and bias, and the convolution.
  func lower(_ site: LoweringSite, into program: inout Program) {
    let (image, output) = (site.inputs[0], site.outputs[0])
    let to = program.planes(of: output)
    var problem = problem(input: program.planes(of: image), output: to)
    problem.epilogue = site.epilogue
    problem.addsResidual = site.residual != nil
    let plan = ConvolutionPlan(problem, site.settings)
    let weights = program.derived(site, from: [1], count: plan.weightCount) {
      plan.packing(from: $0.region(site.inputs[1]), to: $1)
    }
    var bias: BufferID?
    if site.inputShapes.count == 3 {
      bias = program.derived(site, from: [2], count: to.planes.count * PlaneLayout.lanes) {
        LaneCopy(to.order, from: $0.region(site.inputs[2]), to: $1)
      }
    }
    let reads = [image, weights] + [bias, site.residual].compactMap { $0 }
    program.step(site, reads: reads, decision: plan.decision) { [bias] placement in
      plan.kernel(
        at: ConvolutionOperands(
          input: placement.places(image), weights: placement.region(weights),
          bias: bias.map { placement.region($0) }, output: placement.places(output),
          residual: site.residual.map { placement.places($0) }))
    }
  }
}

extension Convolution: Lowerable {
  var epilogue: EpilogueSupport { .residualAndFunction }

  func preferredOrder(at node: NodeFacts) -> ChannelOrder? {
    ConvolutionOrders.preferred(groups: groups, node)
  }

  private func form(_ site: some NodeSite) -> ConvolutionForm {
    ConvolutionForm(
      .forward, window, groups: groups, image: Array(site.inputShapes[0].dimensions.dropFirst(2)))
  }

  func layouts(at site: LayoutSite) -> NodeLayouts { form(site).layouts(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    form(site).lower(site, into: &program)
  }
}

extension TransposedConvolution: Lowerable {
  var epilogue: EpilogueSupport { .residualAndFunction }

  func preferredOrder(at node: NodeFacts) -> ChannelOrder? {
    ConvolutionOrders.preferred(groups: groups, node)
  }

  private func form(_ site: some NodeSite) -> ConvolutionForm {
    ConvolutionForm(
      .transposed, window, groups: groups,
      image: Array(site.outputShapes[0].dimensions.dropFirst(2)))
  }

  func layouts(at site: LayoutSite) -> NodeLayouts { form(site).layouts(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    form(site).lower(site, into: &program)
  }
}

extension Linear: Lowerable {
  var epilogue: EpilogueSupport { .function }

  func layouts(at site: LayoutSite) -> NodeLayouts {
    ConvolutionForm.linear(.forward).layouts(at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    ConvolutionForm.linear(.forward).lower(site, into: &program)
  }
}

extension LinearInputGradient: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    ConvolutionForm.linear(.transposed).layouts(at: site)
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    ConvolutionForm.linear(.transposed).lower(site, into: &program)
  }
}
