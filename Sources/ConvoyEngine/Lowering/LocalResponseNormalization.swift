import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension LocalResponseNormalization: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    NodeLayouts(inputs: [.planes], outputs: [.planes])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (image, output) = (site.inputs[0], site.outputs[0])
    program.step(site) {
      ResponseNormalization(
        size: size, alpha: alpha, beta: beta, bias: bias, $0.planes(image), base: $0.base(image),
        to: $0.planes(output), outputBase: $0.base(output))
    }
  }
}

extension LocalResponseNormalizationGradient: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    NodeLayouts(inputs: [.planes, .planes], outputs: [.planes])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (image, gradient, output) = (site.inputs[0], site.inputs[1], site.outputs[0])
    program.step(site) {
      ResponseNormalizationGradient(
        size: size, alpha: alpha, beta: beta, bias: bias,
        ResponseNormalizationGradient.Operands(
          image: $0.planes(image), imageBase: $0.base(image), gradient: $0.planes(gradient),
          gradientBase: $0.base(gradient), output: $0.planes(output),
          outputBase: $0.base(output)))
    }
  }
}
