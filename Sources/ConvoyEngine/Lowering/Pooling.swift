import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Pooling {
  /// The pooling in the form of kernels; global pooling has a window of the whole image.
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
  func layouts(at site: LayoutSite) -> NodeLayouts {
    let order = site.planewiseOrder
    return NodeLayouts(
      inputs: [.init(kind: .planes, order: .init(order))], outputs: [.planes],
      outputOrders: [order])
  }

  /// Global pooling is a reduction.
  func lower(_ site: LoweringSite, into program: inout Program) {
    let (input, output) = (site.inputs[0], site.outputs[0])
    let shape = site.inputShapes[0]
    guard window == nil else {
      let plan = Catalog.pooling(
        problem(shape, image: program.planes(of: input), output: program.planes(of: output)),
        site.settings)
      return program.step(site, plan) {
        PoolingOperands(image: $0.places(input), output: $0.places(output))
      }
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
  func layouts(at site: LayoutSite) -> NodeLayouts {
    NodeLayouts(inputs: [.planes, .planes], outputs: [.planes])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (image, gradient, result) = (site.inputs[0], site.inputs[1], site.outputs[0])
    let shape = site.inputShapes[0]
    let plan = Catalog.poolingGradient(
      PoolingGradientProblem(
        pooling.problem(
          shape, image: program.planes(of: image), output: program.planes(of: gradient)),
        to: program.planes(of: result)),
      site.settings)
    program.step(site, plan) {
      PoolingGradientOperands(
        image: $0.places(image), gradient: $0.places(gradient), result: $0.places(result))
    }
  }
}
