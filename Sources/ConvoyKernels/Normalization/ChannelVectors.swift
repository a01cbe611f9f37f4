import ConvoyTensors

/// One number a channel, read by the planes the channels stand in.
struct ChannelVector: Sendable {
  let region: Region
  let channels: Int

  /// The numbers of a plane's channels; 0 where the last plane has none.
  @inline(__always)
  func lanes(ofPlane plane: Int, in memory: Memory) -> Lanes {
    let first = plane * PlaneLayout.lanes
    let start = UnsafePointer(memory[region] + first)
    if first + PlaneLayout.lanes <= channels { return start.unalignedLanes }
    var lanes = Lanes.zero
    for lane in 0..<channels - first { lanes[lane] = start[lane] }
    return lanes
  }
}
