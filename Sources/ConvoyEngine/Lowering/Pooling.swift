import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Pooling {
  /// The pooling in the form kernels take; without a window, of one that is the whole image.
  fileprivate func problem(
    _ shape: Shape, image: PlaneLayout, output: PlaneLayout
  ) -> PoolingProblem {
    let spatial = Array(shape.dimensions.dropFirst(2))
    let window = self.window ?? Window(kernel: spatial)
    let padding = window.resolvedPadding(for: spatial)
    return PoolingProblem(
      kernelFunction, kernel: Extents(spatial: window.kernel),
      stride: Extents(spatial: window.stride), dilation: Extents(spatial: window.dilation),
      padding: Halo(
        before: Extents(spatial: padding.map(\.before), missing: 0),
        after: Extents(spatial: padding.map(\.after), missing: 0)),
      image: image, output: output)
  }

  private var kernelFunction: PoolingProblem.Function {
    switch function {
    case .maximum: .maximum
    case .average(let countsPadding): .average(countsPadding: countsPadding)
    }
  }
}

extension Pooling: Lowerable {
  func layouts(at site: LoweringSite) -> NodeLayouts {
    let order = site.planewiseOrder
    return NodeLayouts(
      inputs: [.init(kind: .planes, order: .init(order))], outputs: [.planes],
      outputOrders: [order])
  }

  /// Of the whole image, pooling is a reduction.
  func lower(_ site: LoweringSite, into program: inout Program) {
    let (input, output) = (site.inputs[0], site.outputs[0])
    let shape = site.inputShapes[0]
    guard window == nil else {
      program.step(site) {
        Catalog.pooling(
          problem(shape, image: $0.planes(input), output: $0.planes(output)),
          input: $0.base(input), output: $0.base(output), machine: site.machine)
      }
      return
    }
    let isMaximum = function == .maximum
    let count = shape.dimensions.dropFirst(2).reduce(1, *)
    program.step(site) {
      ImageReduction(
        isMaximum ? .maximum : .sum, scale: isMaximum ? 1 : 1 / Double(count), $0.planes(input),
        base: $0.base(input), to: $0.planes(output), outputBase: $0.base(output))
    }
  }
}

extension PoolingGradient: Lowerable {
  func layouts(at site: LoweringSite) -> NodeLayouts {
    NodeLayouts(inputs: [.planes, .planes], outputs: [.planes])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (image, gradient, result) = (site.inputs[0], site.inputs[1], site.outputs[0])
    let shape = site.inputShapes[0]
    program.step(site) {
      Catalog.poolingGradient(
        PoolingGradientProblem(
          pooling.problem(shape, image: $0.planes(image), output: $0.planes(gradient)),
          to: $0.planes(result)),
        PoolingGradientOperands(
          image: $0.base(image), gradient: $0.base(gradient), result: $0.base(result)),
        machine: site.machine)
    }
  }
}
