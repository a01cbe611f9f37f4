/// Where the channels of some planes stand: a map from channels to planes and lanes.
///
/// The identity is the rule. Grouped convolutions like other orders better; the convolutions before and
/// after them absorb those in their packed weights, at no cost.
public struct ChannelOrder: Hashable, Sendable {
  /// How many planes.
  public var planeCount: Int
  /// For each channel where it is.
  public var positions: [PlaneLayout.Position]

  /// Describes an order.
  public init(planeCount: Int, positions: [PlaneLayout.Position]) {
    self.planeCount = planeCount
    self.positions = positions
  }

  /// Channel c in lane c mod 16 of plane ⌊c ∕ 16⌋.
  public init(identity channels: Int) {
    let lanes = PlaneLayout.lanes
    planeCount = (channels + lanes - 1) / lanes
    positions = (0..<channels).map { PlaneLayout.Position(plane: $0 / lanes, lane: $0 % lanes) }
  }

  /// Each group begins a plane of its own, so that no plane holds channels of two.
  public init(paddingGroups groups: Int, channels: Int) {
    let lanes = PlaneLayout.lanes
    let width = channels / groups
    let planesPerGroup = (width + lanes - 1) / lanes
    planeCount = groups * planesPerGroup
    positions = (0..<channels).map { channel in
      let (group, inGroup) = channel.quotientAndRemainder(dividingBy: width)
      return PlaneLayout.Position(
        plane: group * planesPerGroup + inGroup / lanes, lane: inGroup % lanes)
    }
  }

  /// Blocks of each group's channels side by side: plane j holds the j-th blocks of 16 ∕ block groups.
  ///
  /// - Parameter block: channels of a block, a divisor of 16 and of a group's width. With 1, a lane is a
  ///   group and a plane a channel of 16 groups.
  public init(interleaving groups: Int, channels: Int, block: Int) {
    let width = channels / groups
    let groupsPerPlane = PlaneLayout.lanes / block
    let blocks = width / block
    planeCount = (groups + groupsPerPlane - 1) / groupsPerPlane * blocks
    positions = (0..<channels).map { channel in
      let (group, inGroup) = channel.quotientAndRemainder(dividingBy: width)
      return PlaneLayout.Position(
        plane: group / groupsPerPlane * blocks + inGroup / block,
        lane: group % groupsPerPlane * block + inGroup % block)
    }
  }

  /// For each lane of each plane, the channel that stands there, if any.
  ///
  /// - Complexity: O(channels + lanes)
  public var channelsByLane: [Int?] {
    var channels: [Int?] = Array(repeating: nil, count: planeCount * PlaneLayout.lanes)
    for (channel, position) in positions.enumerated() {
      channels[position.plane * PlaneLayout.lanes + position.lane] = channel
    }
    return channels
  }

  /// Whether it is the identity.
  public var isIdentity: Bool { self == ChannelOrder(identity: positions.count) }

  /// Whether kernels that work plane by plane, whatever the channels, waste little: at most a quarter.
  public var isDense: Bool {
    4 * planeCount * PlaneLayout.lanes
      <= 5 * ChannelOrder(identity: positions.count).planeCount * PlaneLayout.lanes
  }
}
