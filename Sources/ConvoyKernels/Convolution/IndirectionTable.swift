import ConvoyTensors

/// Where a kernel reads, before it is known where planes are: a plane of the input, and floats from that
/// plane's beginning.
///
/// All that a plan knows of addresses is of this form; placing adds the planes' places.
struct PlaneSource: Hashable, Sendable {
  /// The plane; nil where the distance counts from the base itself.
  var plane: Int?
  /// Floats.
  var offset: Int

  /// Floats from the base, with planes in their places.
  func placed(_ planes: [Int]) -> Int { (plane.map { planes[$0] } ?? 0) + offset }
}

extension ConvolutionProblem {
  /// For each pair of a group's input channel and a tap, where the pair reads: this is what lets a
  /// convolution read channels from any planes in any order.
  func sources(group: Int, _ taps: [Phase.Tap]) -> [PlaneSource] {
    (0..<inputsPerGroup).flatMap { channel in
      let position = input.map[group * inputsPerGroup + channel]
      return taps.map {
        PlaneSource(plane: position.plane, offset: position.lane + input.distance($0.offset))
      }
    }
  }

  /// Refuses what no generated code computes.
  func requireGeneratedCode(_ machine: Machine) throws(Refusal) {
    try Refusal.unlessGenerating(machine)
    // Columns' distances in bytes, times a tile's columns, are constants of 32 bits in the code.
    let isFar = max(input.imageStride, output.imageStride) > 1 << 24
    if isFar || max(stride.max(), dilation.max()) > 1 << 16 {
      throw Refusal("its pixels are further apart than generated code can say")
    }
  }

  /// The output planes of each group; refuses planes of several groups.
  func requirePlanesOfGroups() throws(Refusal) -> [Range<Int>] {
    guard let planes = planesOfGroups else {
      throw Refusal(
        "planes of \(PlaneLayout.lanes) outputs hold several groups of \(outputsPerGroup)")
    }
    return planes
  }
}
