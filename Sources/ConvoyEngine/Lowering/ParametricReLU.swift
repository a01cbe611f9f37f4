import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension ParametricReLU: Lowerable {
  /// Inputs: the image, and the slopes of its channels.
  func layouts(at site: LayoutSite) -> NodeLayouts {
    NodeLayouts(inputs: [.planes, .dense], outputs: [.planes])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (image, output) = (site.inputs[0], site.outputs[0])
    let channels = site.inputShapes[0][1]
    // The slopes are the single pixel of an image, which is combined with every pixel.
    let pixel = PlaneLayout(batch: 1, channels: channels, extents: .one)
    let slopes = program.derived(site, from: [1], count: pixel.elementCount) {
      let source = $0.region(site.inputs[1])
      return site.inputShapes[1] == [channels]
        ? LaneCopy(pixel.order, from: source, to: $1) as any Kernel
        : StridedCopy(
          [pixel.elementCount], from: source, strides: [0], to: $1, strides: [1])
    }
    let plan = Catalog.elementwise(
      ElementwiseProblem(
        .leak, program.planes(of: image), pixel, to: program.planes(of: output)),
      site.settings)
    program.step(site, plan, reads: [image, slopes]) {
      ElementwiseOperands(
        first: $0.places(image), second: PlanePlaces(pixel, at: $0.region(slopes)),
        output: $0.places(output))
    }
  }
}
