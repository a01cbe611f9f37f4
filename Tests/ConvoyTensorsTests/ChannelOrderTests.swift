import ConvoyTensors
import Testing

/// What every order is: a place of its own for each channel, inside the planes.
@Suite struct ChannelOrderTests {
  @Test(arguments: [1, 15, 16, 17, 48, 100])
  func theIdentityFillsLanesInOrder(channels: Int) {
    let order = ChannelOrder(identity: channels)
    expectPlaces(order, channels: channels)
    #expect(order.isIdentity && order.isDense)
    #expect(order.planeCount == (channels + 15) / 16)
    for (channel, place) in order.positions.enumerated() {
      #expect(16 * place.plane + place.lane == channel)
    }
  }

  @Test(arguments: [1, 2, 3, 8], [1, 4, 16, 20])
  func paddedGroupsShareNoPlane(groups: Int, width: Int) {
    let order = ChannelOrder(paddingGroups: groups, channels: groups * width)
    expectPlaces(order, channels: groups * width)
    var groupOfPlane: [Int: Int] = [:]
    for (channel, place) in order.positions.enumerated() {
      #expect(
        groupOfPlane.updateValue(channel / width, forKey: place.plane) ?? channel / width
          == channel / width)
    }
    #expect(order.isIdentity == (groups == 1 || width % 16 == 0))
  }

  /// A block's channels are neighbours in one plane, which holds the same blocks of other groups.
  @Test(arguments: [1, 2, 4, 8, 16], [1, 2, 3, 17, 32])
  func interleavedBlocksStayTogether(block: Int, groups: Int) {
    for blocks in 1...3 {
      let width = block * blocks
      let order = ChannelOrder(interleaving: groups, channels: groups * width, block: block)
      expectPlaces(order, channels: groups * width)
      for (channel, place) in order.positions.enumerated() {
        let (group, inGroup) = (channel / width, channel % width)
        let first = order.positions[group * width + inGroup / block * block]
        #expect(place.plane == first.plane && place.lane == first.lane + inGroup % block)
        #expect(first.lane % block == 0)
        // The lanes of a group are the same in all its planes.
        #expect(first.lane == order.positions[group * width].lane)
      }
    }
  }

  @Test func emptyLanesMakeAnOrderSparse() {
    #expect(ChannelOrder(paddingGroups: 2, channels: 32).isDense)
    #expect(!ChannelOrder(paddingGroups: 2, channels: 16).isDense)
  }

  private func expectPlaces(_ order: ChannelOrder, channels: Int) {
    #expect(order.positions.count == channels)
    #expect(Set(order.positions).count == channels)
    for place in order.positions {
      #expect((0..<order.planeCount).contains(place.plane))
      #expect((0..<PlaneLayout.lanes).contains(place.lane))
    }
    let byLane = order.channelsByLane
    #expect(byLane.count == PlaneLayout.lanes * order.planeCount)
    #expect(byLane.compactMap { $0 }.sorted() == Array(0..<channels))
    for (channel, place) in order.positions.enumerated() {
      #expect(byLane[PlaneLayout.lanes * place.plane + place.lane] == channel)
    }
  }
}
