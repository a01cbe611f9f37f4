import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Softmax: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    program.step(site) {
      LineSoftmax(
        site.inputShapes[0], along: dimension, isLogarithmic: isLogarithmic,
        from: $0.region(site.inputs[0]), to: $0.region(site.outputs[0]))
    }
  }
}

extension SoftmaxGradient: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    program.step(site) {
      LineSoftmaxGradient(
        site.inputShapes[0], along: dimension, isLogarithmic: isLogarithmic,
        result: $0.region(site.inputs[0]), gradient: $0.region(site.inputs[1]),
        to: $0.region(site.outputs[0]))
    }
  }
}

extension CrossEntropy: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let shape = site.inputShapes[0]
    let sums = program.arena(count: CrossEntropySums.sumsCount(shape))
    program.step(site, writes: [sums]) {
      CrossEntropySums(
        shape, smoothing: labelSmoothing, scores: $0.region(site.inputs[0]),
        labels: TypedRegion($0.region(site.inputs[1]), site.inputTypes[1]), sums: $0.region(sums))
    }
    program.step(site, reads: [sums]) {
      CrossEntropyMean(shape, sums: $0.region(sums), loss: $0.region(site.outputs[0]))
    }
  }
}

extension CrossEntropyGradient: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { .allDense(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    program.step(site) {
      CrossEntropyScoreGradient(
        site.inputShapes[0], smoothing: labelSmoothing, scores: $0.region(site.inputs[0]),
        labels: TypedRegion($0.region(site.inputs[1]), site.inputTypes[1]),
        gradient: $0.region(site.inputs[2]),
        to: $0.region(site.outputs[0]))
    }
  }
}
