import ConvoyKernels
import ConvoyTensors

/// The orders of channels that a convolution reads and writes.
///
/// An ungrouped convolution reads and writes any order at no cost, since its packed weights absorb
/// both. Narrow groups are fast where their lanes are adjacent. Depthwise convolutions keep the
/// order of their input.
struct ConvolutionOrders {
  /// The order that is requested of the image.
  let input: NodeLayouts.Request.Order
  /// The output's order; the identity if nil.
  let output: ChannelOrder?

  init(groups: Int, _ site: LayoutSite) {
    let found = site.inputOrders.first ?? nil
    let widths = Widths(groups: groups, site.node)
    if groups == 1 {
      input = .any(preferred: nil)
      let wanted = site.residualOrder ?? site.preferredOrder
      output = wanted.flatMap { $0.isDense ? $0 : nil }
    } else if widths.fillsPlanes {
      // Each group's inputs are broadcast from any plane and lane.
      input = .any(preferred: nil)
      output =
        widths.output % PlaneLayout.lanes == 0
        ? nil : ChannelOrder(paddingGroups: groups, channels: site.outputShapes[0][1])
    } else if widths.input == 1, widths.output == 1 {
      input = .init(site.planewiseOrder)
      output = site.planewiseOrder
    } else {
      let preferred = ConvolutionOrders.preferred(groups: groups, site.node)
      // A value that is not in planes yet is copied to planes in the preferred order.
      let isPreferred = preferred != nil && (found == nil || found == preferred)
      input = isPreferred ? .any(preferred: preferred) : .identity
      output =
        isPreferred
        ? ChannelOrder(
          interleaving: groups, channels: site.outputShapes[0][1], block: widths.block) : nil
    }
  }

  /// The order that narrow groups prefer, if it is not the identity.
  static func preferred(groups: Int, _ node: NodeFacts) -> ChannelOrder? {
    let widths = Widths(groups: groups, node)
    let lanes = PlaneLayout.lanes
    guard groups > 1, widths.input > 1, !widths.fillsPlanes else { return nil }
    // Groups whose width divides a vector are permuted within it, on any machine.
    if lanes % widths.input == 0, widths.output == widths.input { return nil }
    let orders = [widths.input, widths.output].map {
      ChannelOrder(interleaving: groups, channels: groups * $0, block: widths.block)
    }
    // Machines with masks blend vectors from several planes, at 85 % of the speed of plain vectors.
    let used = orders.map { Double($0.positions.count) / Double($0.planeCount * lanes) }
    let isFilled = used.allSatisfy { $0 >= (node.machine.hasMasks ? 0.9 : 0.5) }
    return isFilled ? orders[0] : nil
  }

  /// The input and output channels of a group.
  private struct Widths {
    let input: Int
    let output: Int
    private let folds: Bool

    init(groups: Int, _ node: NodeFacts) {
      input = node.inputShapes[0][1] / groups
      output = node.outputShapes[0][1] / groups
      folds = node.machine.foldsPlanes
    }

    /// Whether a group's outputs should have planes of their own, because few lanes of these would
    /// be idle.
    var fillsPlanes: Bool {
      let lanes = PlaneLayout.lanes
      let (full, rest) = output.quotientAndRemainder(dividingBy: lanes)
      guard full > 0 else { return false }
      // The last plane's outputs use several lanes each, which divides the number of steps.
      let factor = rest > 0 && folds ? [8, 4, 2].first { $0 * rest <= lanes && $0 <= input } : nil
      let planes = Double(full) + (rest == 0 ? 0 : 1 / Double(factor ?? 1))
      return full > 1 || Double(output) >= 0.9 * planes * Double(lanes)
    }

    /// The largest block of channels that divides 4 lanes and both widths.
    var block: Int { [4, 2].first { input % $0 == 0 && output % $0 == 0 } ?? 1 }
  }
}
