import ConvoyTensors

/// The 16 channels of a pixel. Without compiler flags these are four SSE or NEON registers.
typealias Lanes = SIMD16<Float>

extension UnsafePointer<Float> {
  /// The 16 numbers at an address that is a multiple of 64 bytes.
  @inline(__always)
  var lanes: Lanes { UnsafeRawPointer(self).load(as: Lanes.self) }

  /// The 16 numbers at any address.
  @inline(__always)
  var unalignedLanes: Lanes { UnsafeRawPointer(self).loadUnaligned(as: Lanes.self) }

  /// The first few numbers at any address, with undefined values in the other lanes; no more is
  /// read.
  @inline(__always)
  func lanes(first count: Int, else other: Float = 0) -> Lanes {
    if count >= 16 { return unalignedLanes }
    var lanes = Lanes(repeating: other)
    for lane in 0..<count { lanes[lane] = self[lane] }
    return lanes
  }
}

extension UnsafeMutablePointer<Float> {
  /// The 16 numbers at an address that is a multiple of 64 bytes.
  @inline(__always)
  var lanes: Lanes {
    get { UnsafeRawPointer(self).load(as: Lanes.self) }
    nonmutating set { UnsafeMutableRawPointer(self).storeBytes(of: newValue, as: Lanes.self) }
  }

  /// Stores the first few lanes at any address, and no more.
  @inline(__always)
  func store(_ lanes: Lanes, first count: Int) {
    if count >= 16 {
      UnsafeMutableRawPointer(self).storeBytes(of: lanes, as: Lanes.self)
    } else {
      for lane in 0..<count { self[lane] = lanes[lane] }
    }
  }
}
