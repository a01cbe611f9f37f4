import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension UpdateRule {
  /// Inputs: the parameter, its gradient, the optimiser's memories, and scalars. Outputs: the new
  /// parameter and the new memories, in the buffers of the old ones if nothing reads these later.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    let memories = 2..<site.outputShapes.count + 1
    return NodeLayouts(
      inputs: site.inputShapes.map { _ in .dense }, outputs: site.outputShapes.map { _ in .dense },
      sharing: [.update(input: 0)] + memories.map { .update(input: $0) })
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let rate = site.outputs.count + 1
    program.step(site) { placement in
      let inputs = site.inputs.map(placement.region)
      return ParameterUpdate(
        self, count: site.outputShapes[0].elementCount,
        UpdateOperands(
          parameter: inputs[0], gradient: inputs[1], memories: Array(inputs[2..<rate]),
          rate: inputs[rate],
          step: rate + 1 < inputs.count
            ? TypedRegion(inputs[rate + 1], site.inputTypes[rate + 1]) : nil,
          outputs: site.outputs.map(placement.region)))
    }
  }
}

extension MomentumUpdate: Lowerable {
  private var rule: UpdateRule {
    .momentum(momentum: momentum, isNesterov: isNesterov, weightDecay: weightDecay)
  }

  func layouts(at site: LayoutSite) -> NodeLayouts { rule.layouts(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    rule.lower(site, into: &program)
  }
}

extension AdamUpdate: Lowerable {
  private var rule: UpdateRule {
    .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
  }

  func layouts(at site: LayoutSite) -> NodeLayouts { rule.layouts(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    rule.lower(site, into: &program)
  }
}

extension RMSpropUpdate: Lowerable {
  private var rule: UpdateRule {
    .rmsprop(
      smoothing: smoothing, epsilon: epsilon, momentum: momentum, weightDecay: weightDecay)
  }

  func layouts(at site: LayoutSite) -> NodeLayouts { rule.layouts(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    rule.lower(site, into: &program)
  }
}
