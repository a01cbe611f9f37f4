import ConvoyKernels
import ConvoyTensors

/// An output that is not computed: its channels are channels of the inputs, in place.
struct ChannelView: Sendable {
  /// For each channel of the output: the input and its channel.
  var channels: [ChannelGather.Channel]

  /// The planes of the inputs that hold the channels, in the order of their first use.
  func planes(of orders: [ChannelOrder]) -> [(source: Int, plane: Int)] {
    var seen: Set<[Int]> = []
    return channels.compactMap { channel in
      let plane = orders[channel.source].positions[channel.channel].plane
      return seen.insert([channel.source, plane]).inserted ? (channel.source, plane) : nil
    }
  }

  /// The order of the channels in those planes.
  func order(of orders: [ChannelOrder]) -> ChannelOrder {
    let planes = planes(of: orders)
    var numbers: [[Int]: Int] = [:]
    for (index, plane) in planes.enumerated() { numbers[[plane.source, plane.plane]] = index }
    return ChannelOrder(
      planeCount: planes.count,
      positions: channels.map { channel in
        let position = orders[channel.source].positions[channel.channel]
        return PlaneLayout.Position(
          plane: numbers[[channel.source, position.plane]] ?? 0, lane: position.lane)
      })
  }
}
