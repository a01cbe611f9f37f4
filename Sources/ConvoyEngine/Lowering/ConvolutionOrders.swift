import ConvoyKernels
import ConvoyTensors

/// In which orders of channels a convolution reads and writes.
///
/// An ungrouped convolution reads any order and writes any, at no cost: both are absorbed in its packed
/// weights. Narrow groups are fast where their lanes stand side by side, and depthwise convolutions keep
/// the order they find.
struct ConvolutionOrders {
  /// What is asked of the image.
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
      // Each group's inputs are broadcast from wherever they stand.
      input = .any(preferred: nil)
      output =
        widths.output % PlaneLayout.lanes == 0
        ? nil : ChannelOrder(paddingGroups: groups, channels: site.outputShapes[0][1])
    } else if widths.input == 1, widths.output == 1 {
      input = .init(site.planewiseOrder)
      output = site.planewiseOrder
    } else {
      let preferred = ConvolutionOrders.preferred(groups: groups, site.node)
      // A value that is not in planes yet is brought into them as is liked best.
      let isPreferred = preferred != nil && (found == nil || found == preferred)
      input = isPreferred ? .any(preferred: preferred) : .identity
      output =
        isPreferred
        ? ChannelOrder(
          interleaving: groups, channels: site.outputShapes[0][1], block: widths.block) : nil
    }
  }

  /// The order in which narrow groups should stand, if it is not the identity.
  static func preferred(groups: Int, _ node: NodeFacts) -> ChannelOrder? {
    let widths = Widths(groups: groups, node)
    let lanes = PlaneLayout.lanes
    guard groups > 1, widths.input > 1, !widths.fillsPlanes else { return nil }
    // Groups that divide a vector are permuted within it, whatever the machine.
    if lanes % widths.input == 0, widths.output == widths.input { return nil }
    let orders = [widths.input, widths.output].map {
      ChannelOrder(interleaving: groups, channels: groups * $0, block: widths.block)
    }
    // Machines with masks put vectors together from several planes, at 85 % of what plain ones reach.
    let used = orders.map { Double($0.positions.count) / Double($0.planeCount * lanes) }
    let isFilled = used.allSatisfy { $0 >= (node.machine.hasMasks ? 0.9 : 0.5) }
    return isFilled ? orders[0] : nil
  }

  /// Channels of a group.
  private struct Widths {
    let input: Int
    let output: Int
    private let folds: Bool

    init(groups: Int, _ node: NodeFacts) {
      input = node.inputShapes[0][1] / groups
      output = node.outputShapes[0][1] / groups
      folds = node.machine.foldsPlanes
    }

    /// Whether a group's outputs are worth planes of their own: whether few lanes of those would be idle.
    var fillsPlanes: Bool {
      let lanes = PlaneLayout.lanes
      let (full, rest) = output.quotientAndRemainder(dividingBy: lanes)
      guard full > 0 else { return false }
      // The last plane's outputs take several lanes each, and as many times fewer steps.
      let factor = rest > 0 && folds ? [8, 4, 2].first { $0 * rest <= lanes && $0 <= input } : nil
      let planes = Double(full) + (rest == 0 ? 0 : 1 / Double(factor ?? 1))
      return full > 1 || Double(output) >= 0.9 * planes * Double(lanes)
    }

    /// The largest block that divides the vectors' quadruples and both widths.
    var block: Int { [4, 2].first { input % $0 == 0 && output % $0 == 0 } ?? 1 }
  }
}
