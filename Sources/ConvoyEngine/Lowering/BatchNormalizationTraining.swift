import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension BatchNormalizationTraining: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts {
    let order = site.planewiseOrder
    return NodeLayouts(
      inputs: [.planes(halo: .none, order: .init(order)), .dense, .dense],
      outputs: [.planes, .dense, .dense], outputOrders: [order])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (mean, variance) = (site.outputs[1], site.outputs[2])
    lowerMoments(site, writes: [mean, variance], into: &program) {
      ($0.region(mean), $0.region(variance))
    }
    lowerNormalization(site, into: &program)
  }

  /// Adds the steps that compute the mean and variance of the image.
  ///
  /// - Parameters:
  ///   - buffers: the buffers of the results.
  ///   - place: the regions of these buffers.
  fileprivate func lowerMoments(
    _ site: LoweringSite, writes buffers: [BufferID], into program: inout Program,
    place: @escaping @Sendable (Placement) -> (mean: Region, variance: Region)
  ) {
    let image = site.inputs[0]
    let planes = program.planes(of: image)
    let parts = program.arena(count: PlanePartMoments.elementCount(planes))
    program.step(site, reads: [image], writes: [parts]) {
      PlanePartMoments($0.planes(image), base: $0.base(image), to: $0.region(parts))
    }
    program.step(site, reads: [parts], writes: buffers) {
      let (mean, variance) = place($0)
      return ChannelMoments(of: planes, from: $0.region(parts), mean: mean, variance: variance)
    }
  }

  /// Adds the step that normalises the image by its statistics, which are outputs.
  fileprivate func lowerNormalization(_ site: LoweringSite, into program: inout Program) {
    let (image, scale, shift) = (site.inputs[0], site.inputs[1], site.inputs[2])
    let (output, mean, variance) = (site.outputs[0], site.outputs[1], site.outputs[2])
    let plan = Catalog.normalization(
      NormalizationProblem(
        program.planes(of: image), to: program.planes(of: output), epilogue: activation),
      site.settings)
    program.step(site, plan, reads: [image, scale, shift, mean, variance], writes: [output]) {
      NormalizationOperands(
        ChannelStatistics(
          scale: $0.region(scale), mean: $0.region(mean), variance: $0.region(variance),
          epsilon: epsilon),
        shift: $0.region(shift), image: $0.places(image), output: $0.places(output))
    }
  }
}

extension BatchNormalizationGradient: Lowerable {
  var companions: [Int: Int] { [5: 0] }

  func layouts(at site: LayoutSite) -> NodeLayouts {
    let order = site.planewiseOrder
    let image = NodeLayouts.Request.planes(halo: .none, order: .init(order))
    return NodeLayouts(
      inputs: [image, .dense, .dense, .dense, .dense, image], outputs: [.planes, .dense, .dense],
      outputOrders: [order])
  }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (toScale, toShift) = (site.outputs[1], site.outputs[2])
    lowerSums(site, into: &program)
    lowerImageGradient(site, reads: [toScale, toShift], into: &program) {
      ($0.region(toScale), $0.region(toShift))
    }
  }

  /// Adds the steps that compute the gradients of scale and shift.
  fileprivate func lowerSums(_ site: LoweringSite, into program: inout Program) {
    let (toScale, toShift) = (site.outputs[1], site.outputs[2])
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
  }

  /// Adds the step that computes the gradient of the image from the gradients of scale and shift.
  fileprivate func lowerImageGradient(
    _ site: LoweringSite, reads sums: [BufferID], into program: inout Program,
    place: @escaping @Sendable (Placement) -> (toScale: Region, toShift: Region)
  ) {
    let toImage = site.outputs[0]
    program.step(site, reads: site.inputs + sums, writes: [toImage]) {
      let (toScale, toShift) = place($0)
      return PlaneNormalizationGradient(
        operands(site, $0), toShift: toShift, toScale: toScale, to: $0.planes(toImage),
        outputBase: $0.base(toImage))
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

// MARK: - Over ranks

extension SynchronizedBatchNormalization: Lowerable {
  func layouts(at site: LayoutSite) -> NodeLayouts { normalization.layouts(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (collective, communicator) = (collective(site), communicator(site))
    let (ranks, channels) = (ranks, site.inputShapes[0][1])
    let (mean, variance) = (site.outputs[1], site.outputs[2])
    let own = program.arena(count: 2 * channels)
    let all = program.arena(count: 2 * channels * ranks)
    normalization.lowerMoments(site, writes: [own], into: &program) {
      ($0.region(own), $0.region(own).moved(by: channels))
    }
    program.step(site, reads: [own], writes: [all]) {
      CollectiveExchange(
        collective, communicator, tag: site.tag, from: $0.region(own), to: $0.region(all))
    }
    program.step(site, reads: [all], writes: [mean, variance]) {
      RankMoments(
        channels: channels, ranks: ranks, from: $0.region(all), mean: $0.region(mean),
        variance: $0.region(variance))
    }
    normalization.lowerNormalization(site, into: &program)
  }
}

extension SynchronizedBatchNormalizationGradient: Lowerable {
  var companions: [Int: Int] { gradient.companions }

  func layouts(at site: LayoutSite) -> NodeLayouts { gradient.layouts(at: site) }

  func lower(_ site: LoweringSite, into program: inout Program) {
    let (collective, communicator) = (collective(site), communicator(site))
    let (ranks, channels) = (ranks, site.inputShapes[0][1])
    let own = program.arena(count: 2 * channels)
    let all = program.arena(count: 2 * channels * ranks)
    let means = program.arena(count: 2 * channels)
    gradient.lowerSums(site, into: &program)
    for (index, sum) in [site.outputs[1], site.outputs[2]].enumerated() {
      program.step(site, reads: [sum], writes: [own]) {
        StridedCopy(
          contiguous: channels, from: $0.region(sum),
          to: $0.region(own).moved(by: index * channels))
      }
    }
    program.step(site, reads: [own], writes: [all]) {
      CollectiveExchange(
        collective, communicator, tag: site.tag, from: $0.region(own), to: $0.region(all))
    }
    // The kernel divides sums by a rank's number of values; therefore it gets the means of the
    // ranks' sums.
    program.step(site, reads: [all], writes: [means]) {
      RankMeans(count: 2 * channels, ranks: ranks, from: $0.region(all), to: $0.region(means))
    }
    gradient.lowerImageGradient(site, reads: [means], into: &program) {
      ($0.region(means), $0.region(means).moved(by: channels))
    }
  }
}
