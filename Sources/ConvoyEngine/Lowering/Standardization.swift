import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Standardization: Lowerable {
  /// Over the channels of images in planes: pixel by pixel, in planes; otherwise row-major.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    guard site.leadingKind == .planes, dimensions == [1] else { return .allDense(at: site) }
    let order = site.planewiseOrder
    return NodeLayouts(
      inputs: [.planes(halo: .none, order: .init(order))], outputs: [.planes],
      outputOrders: [order])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (input, output) = (site.inputs[0], site.outputs[0])
    if program.buffers[output.index].planes != nil {
      program.step(site) {
        PixelStandardization(
          epsilon: epsilon, $0.planes(input), base: $0.base(input), to: $0.planes(output),
          outputBase: $0.base(output))
      }
    } else {
      program.step(site) {
        DenseStandardization(
          site.inputShapes[0], over: dimensions, epsilon: epsilon, from: $0.region(input),
          to: $0.region(output))
      }
    }
  }
}
