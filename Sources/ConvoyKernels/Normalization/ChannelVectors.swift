import ConvoyTensors

/// Copies row-major numbers, one for each channel, into the lanes of the channels.
struct ChannelVectors: Hashable, Sendable {
  /// For each lane of each plane, its channel; −1 for none.
  private let channels: [Int]

  init(_ planes: PlaneLayout) { channels = planes.channelsByLane.map { $0 ?? -1 } }

  /// The numbers of a plane's channels; 0 in lanes without a channel.
  func lanes(_ region: Region, ofPlane plane: Int, in memory: Memory) -> Lanes {
    let numbers = memory[region]
    var lanes = Lanes.zero
    for lane in 0..<PlaneLayout.lanes {
      let channel = channels[plane * PlaneLayout.lanes + lane]
      if channel >= 0 { lanes[lane] = numbers[channel] }
    }
    return lanes
  }
}
