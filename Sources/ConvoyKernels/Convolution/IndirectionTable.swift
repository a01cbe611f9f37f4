import ConvoyTensors

/// An entry of an indirection table before planes are placed: a plane of the input, and floats from
/// that plane's beginning.
///
/// A plan stores addresses only in this form; placing it adds the offsets of the planes.
struct PlaneSource: Hashable, Sendable {
  /// The plane; nil if the distance counts from the base itself.
  var plane: Int?
  /// Floats from the plane's beginning.
  var offset: Int

  /// Floats from the base, for planes at given offsets.
  func placed(_ planes: [Int]) -> Int { (plane.map { planes[$0] } ?? 0) + offset }
}

extension ConvolutionProblem {
  /// The indirection table of a group: for each pair of input channel and tap, where the pair
  /// reads. It lets a convolution read channels from any planes in any order.
  func sources(group: Int, _ taps: [Phase.Tap]) -> [PlaneSource] {
    (0..<inputsPerGroup).flatMap { channel in
      let position = input.map[group * inputsPerGroup + channel]
      return taps.map {
        PlaneSource(plane: position.plane, offset: position.lane + input.distance($0.offset))
      }
    }
  }

  /// Refuses what no generated code can compute.
  func requireGeneratedCode(_ machine: Machine) throws(Refusal) {
    try Refusal.unlessGenerating(machine)
    // In the code, a column's distance in bytes times the tile's columns is a 32-bit constant.
    let isFar = max(input.imageStride, output.imageStride) > 1 << 24
    if isFar || max(stride.max(), dilation.max()) > 1 << 16 {
      throw Refusal("its pixels are further apart than generated code can say")
    }
  }

  /// The output planes of each group; refuses planes with channels of several groups.
  func requirePlanesOfGroups() throws(Refusal) -> [Range<Int>] {
    guard let planes = planesOfGroups else {
      throw Refusal(
        "planes of \(PlaneLayout.lanes) outputs hold several groups of \(outputsPerGroup)")
    }
    return planes
  }
}
