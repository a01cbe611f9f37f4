import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension BatchNormalization: Lowerable {
  func layouts(at site: LoweringSite) -> NodeLayouts {
    let order = site.planewiseOrder
    return NodeLayouts(
      inputs: [.planes(halo: .none, order: .init(order)), .dense, .dense, .dense, .dense],
      outputs: [.planes], outputOrders: [order])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (image, output) = (site.inputs[0], site.outputs[0])
    program.step(site) {
      Catalog.normalization(
        NormalizationProblem($0.planes(image), to: $0.planes(output), tail: site.tail),
        NormalizationOperands(
          ChannelStatistics(
            scale: $0.region(site.inputs[1]), mean: $0.region(site.inputs[3]),
            variance: $0.region(site.inputs[4]), epsilon: epsilon),
          shift: $0.region(site.inputs[2]), image: $0.base(image), output: $0.base(output)),
        machine: site.machine)
    }
  }
}

extension BatchNormalizationTraining: Lowerable {
  func layouts(at site: LoweringSite) -> NodeLayouts {
    let order = site.planewiseOrder
    return NodeLayouts(
      inputs: [.planes(halo: .none, order: .init(order)), .dense, .dense],
      outputs: [.planes, .dense, .dense], outputOrders: [order])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (image, scale, shift) = (site.inputs[0], site.inputs[1], site.inputs[2])
    let (output, mean, variance) = (site.outputs[0], site.outputs[1], site.outputs[2])
    let planes = program.planes(of: image)
    let parts = program.arena(count: PlanePartMoments.elementCount(planes))
    program.step(site, reads: [image], writes: [parts]) {
      PlanePartMoments($0.planes(image), base: $0.base(image), to: $0.region(parts))
    }
    program.step(site, reads: [parts], writes: [mean, variance]) {
      ChannelMoments(
        of: planes, from: $0.region(parts), mean: $0.region(mean), variance: $0.region(variance))
    }
    program.step(site, reads: [image, scale, shift, mean, variance], writes: [output]) {
      Catalog.normalization(
        NormalizationProblem(
          $0.planes(image), to: $0.planes(output), tail: Tail(activation)),
        NormalizationOperands(
          ChannelStatistics(
            scale: $0.region(scale), mean: $0.region(mean), variance: $0.region(variance),
            epsilon: epsilon),
          shift: $0.region(shift), image: $0.base(image), output: $0.base(output)),
        machine: site.machine)
    }
  }
}

extension BatchNormalizationGradient: Lowerable {
  var companions: [Int: Int] { [5: 0] }

  func layouts(at site: LoweringSite) -> NodeLayouts {
    let order = site.planewiseOrder
    let image = NodeLayouts.Request.planes(halo: .none, order: .init(order))
    return NodeLayouts(
      inputs: [image, .dense, .dense, .dense, .dense, image], outputs: [.planes, .dense, .dense],
      outputOrders: [order])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (toImage, toScale, toShift) = (site.outputs[0], site.outputs[1], site.outputs[2])
    let planes = program.planes(of: site.inputs[0])
    let shiftParts = program.arena(count: PlanePartReduction.elementCount(planes))
    let scaleParts = program.arena(count: PlanePartReduction.elementCount(planes))
    program.step(site, writes: [shiftParts, scaleParts]) {
      PlanePartNormalizationSums(
        operands(site, $0), toShift: $0.region(shiftParts), toScale: $0.region(scaleParts))
    }
    for (parts, total) in [(shiftParts, toShift), (scaleParts, toScale)] {
      program.step(site, reads: [parts], writes: [total]) {
        ChannelTotals(.sum, scale: 1, of: planes, from: $0.region(parts), to: $0.region(total))
      }
    }
    program.step(site, reads: site.inputs + [toShift, toScale], writes: [toImage]) {
      PlaneNormalizationGradient(
        operands(site, $0), toShift: $0.region(toShift), toScale: $0.region(toScale),
        to: $0.planes(toImage), outputBase: $0.base(toImage))
    }
  }

  private func operands(
    _ site: LoweringSite, _ placement: Placement
  ) -> NormalizationGradientOperands {
    let (image, gradient) = (site.inputs[0], site.inputs[5])
    return NormalizationGradientOperands(
      ChannelStatistics(
        scale: placement.region(site.inputs[1]), mean: placement.region(site.inputs[3]),
        variance: placement.region(site.inputs[4]), epsilon: epsilon),
      shift: placement.region(site.inputs[2]), activation: activation,
      image: placement.planes(image), imageBase: placement.base(image),
      gradient: placement.planes(gradient), gradientBase: placement.base(gradient))
  }
}

extension Program {
  /// The planes of a buffer, from its own beginning.
  func planes(of buffer: BufferID) -> PlaneLayout {
    guard let planes = buffers[buffer.index].planes else {
      preconditionFailure("A buffer was asked for planes it does not hold.")
    }
    return planes
  }
}
