import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Resize {
  /// Plane by plane, in any order of channels.
  fileprivate static func layouts(at site: LayoutSite) -> NodeLayouts {
    let order = site.planewiseOrder
    return NodeLayouts(
      inputs: [.planes(halo: .none, order: .init(order))], outputs: [.planes],
      outputOrders: [order])
  }

  /// The interpolation of pixels along three axes.
  fileprivate func taps(from input: Shape, to output: Shape) -> [[ResizeTap]] {
    let axes = axes(from: input, to: output).map {
      $0.map { ResizeTap(low: $0.low, high: $0.high, weight: Float($0.weight)) }
    }
    let missing = Array(repeating: [ResizeTap(low: 0, high: 0, weight: 0)], count: 3 - axes.count)
    return missing + axes
  }
}

extension Resize: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { Self.layouts(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let taps = taps(from: site.inputShapes[0], to: site.outputShapes[0])
    let (input, output) = (site.inputs[0], site.outputs[0])
    program.step(site) {
      PlaneResize(
        taps, image: $0.planes(input), base: $0.base(input), resized: $0.planes(output),
        resizedBase: $0.base(output))
    }
  }
}

extension ResizeGradient: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { Resize.layouts(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let taps = resize.taps(from: site.outputShapes[0], to: site.inputShapes[0])
    let (gradient, output) = (site.inputs[0], site.outputs[0])
    program.step(site) {
      PlaneResizeGradient(
        taps, image: $0.planes(output), base: $0.base(output), resized: $0.planes(gradient),
        resizedBase: $0.base(gradient))
    }
  }
}
