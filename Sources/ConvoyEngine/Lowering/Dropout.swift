import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Dropout: Lowerable {
  /// Outside training, a dropout is its input, in place.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    let order = site.inputOrders.first ?? nil
    return NodeLayouts(
      inputs: [NodeLayouts.Request(kind: site.leadingKind, order: .init(order))],
      outputs: [site.leadingKind], outputOrders: [order], sharing: [.alias(input: 0)])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {}
}

extension DropoutTraining: Lowerable {
  /// Inputs: a tensor in its own layout, and the step.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    NodeLayouts(
      inputs: [NodeLayouts.Request(kind: site.leadingKind), .dense], outputs: [site.leadingKind])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (input, output) = (site.inputs[0], site.outputs[0])
    let isPlanes = program.buffers[output.index].planes != nil
    program.step(site) { placement in
      let problem = DropoutProblem(
        rate: rate, stream: stream,
        step: TypedRegion(placement.region(site.inputs[1]), site.inputTypes[1]),
        firstElement: firstElement)
      guard isPlanes else {
        return DenseDropout(
          problem, count: site.outputShapes[0].elementCount, from: placement.region(input),
          to: placement.region(output))
      }
      return PlaneDropout(
        problem, placement.planes(input), base: placement.base(input),
        to: placement.planes(output), outputBase: placement.base(output))
    }
  }
}
