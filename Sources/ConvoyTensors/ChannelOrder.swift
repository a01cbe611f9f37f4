/// The order of channels in planes: a map from channels to planes and lanes.
///
/// Usually it is the identity. Grouped convolutions prefer other orders; the convolutions before
/// and after them absorb these in their packed weights, at no cost.
public struct ChannelOrder: Hashable, Sendable {
  /// The number of planes.
  public var planeCount: Int
  /// The position of each channel.
  public var positions: [PlaneLayout.Position]

  /// An order with given positions.
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

  /// Each group begins a new plane, so that no plane holds channels of two groups.
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

  /// Blocks of several groups' channels in each plane: plane j holds the j-th blocks of 16 ∕ block
  /// groups.
  ///
  /// - Parameter block: the channels of a block, a divisor of 16 and of a group's width. With 1, a
  ///   lane is a group, and a plane is a channel of 16 groups.
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

  /// For each lane of each plane, its channel, if any.
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

  /// Whether at most a quarter of the lanes are idle in kernels that work plane by plane.
  public var isDense: Bool {
    4 * planeCount * PlaneLayout.lanes
      <= 5 * ChannelOrder(identity: positions.count).planeCount * PlaneLayout.lanes
  }
}

extension PlaneLayout {
  /// The layout of a tensor [batch, channels, spatial…], with contiguous planes.
  ///
  /// - Parameter order: the order of its channels; the identity if nil.
  /// - Precondition: two to five dimensions.
  public init(_ shape: Shape, halo: Halo = .none, order: ChannelOrder? = nil) {
    self.init(
      batch: shape[0], channels: shape[1],
      extents: Extents(spatial: shape.dimensions.dropFirst(2)), halo: halo)
    if let order { self = arranged(order) }
  }

  /// The layout of the same images with their channels in another order, with contiguous planes.
  public func arranged(_ order: ChannelOrder) -> PlaneLayout {
    var copy = self
    copy.planes = (0..<order.planeCount).map { $0 * planeSize }
    copy.map = order.positions
    return copy
  }

  /// The order of the channels.
  public var order: ChannelOrder { ChannelOrder(planeCount: planes.count, positions: map) }

  /// For each lane of each plane, its channel, if any.
  ///
  /// - Complexity: O(channels + lanes)
  public var channelsByLane: [Int?] { order.channelsByLane }
}
