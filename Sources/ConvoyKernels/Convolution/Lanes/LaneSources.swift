import ConvoyTensors
import ConvoyTiles

/// How the lanes of narrow groups' outputs read their inputs without gathering.
///
/// A vector of inputs must have, in each lane, the number that the group of that output lane reads.
/// With identity orders and groups of 2, 4 or 8 channels, all these numbers are in one vector of
/// one plane, and a permutation moves each to its lane. Groups of other widths straddle planes; the
/// vector is then blended from two or three vectors.
struct LaneSources: Equatable, Sendable {
  let access: LaneReading
  /// For each vector of outputs, step and source: where it is read.
  let starts: [[PlaneSource]]
  /// For each vector of outputs, the table of permutation indices and masks: see `LaneTile`.
  let numbers: [[Int32]]

  /// A vector that inputs are taken from.
  private struct Source: Hashable {
    /// Its position in a pixel.
    var start: PlaneSource
    /// For each lane, the lane of this source; nil where the input comes from another source.
    var lanes: [Int?]
  }

  /// - Parameter oneByOne: whether each step must be of one input channel.
  /// - Returns: nil if lanes read from too many vectors.
  init?(_ problem: ConvolutionProblem, _ machine: Machine, oneByOne: Bool) {
    let channels = problem.output.channelsByLane
    let vectors = problem.output.planes.indices.flatMap { plane in
      let positions = LaneGather.positions(problem, plane, channels)
      return (0..<machine.vectorsPerPlane).map { part in
        let first = plane * PlaneLayout.lanes + part * machine.vectorWidth
        return LaneSources.sources(
          problem, machine, lane: part * machine.vectorWidth, positions,
          isUsed: channels[first..<first + machine.vectorWidth].map { $0 != nil })
      }
    }
    let count = vectors.joined().map(\.count).max() ?? 1
    // Blending needs masks.
    guard count <= (machine.hasMasks ? LaneReading.maximalSources : 1) else {
      return nil
    }
    let access =
      count > 1
      ? .permuted(sources: count)
      : LaneSources.access(
        vectors, channels: problem.inputsPerGroup, oneByOne: oneByOne)
    self.access = access
    // A step of pairs or quads loads its vector once for all its channels.
    starts = vectors.map { steps in
      stride(from: 0, to: steps.count, by: access.channels).flatMap { step in
        (0..<count).map { steps[step][min($0, steps[step].count - 1)].start }
      }
    }
    numbers =
      access.numbersPerStep == 0
      ? [] : vectors.map { $0.flatMap { LaneSources.table($0, count: count) } }
  }

  /// For each input channel of a group, the sources of a vector of outputs.
  private static func sources(
    _ problem: ConvolutionProblem, _ machine: Machine, lane first: Int,
    _ positions: [PlaneLayout.Position], isUsed: [Bool]
  ) -> [[Source]] {
    let lanes = PlaneLayout.lanes
    let width = machine.vectorWidth
    // Lanes without an output channel may read anything; a vector of such lanes still needs a
    // source.
    let used = isUsed.contains(true) ? isUsed.indices.filter { isUsed[$0] } : [0]
    return (0..<problem.inputsPerGroup).map { channel in
      var sources: [Source] = []
      for lane in used {
        let position = positions[channel * lanes + first + lane]
        let (block, number) = position.lane.quotientAndRemainder(dividingBy: width)
        let start = PlaneSource(plane: position.plane, offset: block * width)
        let index = sources.firstIndex { $0.start == start } ?? sources.endIndex
        if index == sources.endIndex {
          sources.append(Source(start: start, lanes: Array(repeating: nil, count: width)))
        }
        sources[index].lanes[lane] = number
      }
      return sources
    }
  }

  /// The table of a step: 16 indices for each source, followed by the masks of all sources but the
  /// first.
  private static func table(_ sources: [Source], count: Int) -> [Int32] {
    let lanes = PlaneLayout.lanes
    var numbers: [Int32] = []
    var masks: [Int32] = []
    for index in 0..<count {
      // Surplus sources of a step are masked out.
      let source = index < sources.count ? sources[index].lanes : []
      numbers += (0..<lanes).map { Int32((($0 < source.count ? source[$0] : nil) ?? 0)) }
      let bits = source.enumerated().reduce(Int32(0)) {
        $0 | ($1.element == nil ? 0 : 1 << $1.offset)
      }
      if index > 0 { masks.append(bits) }
    }
    guard count > 1 else { return numbers }
    return numbers + masks + Array(repeating: 0, count: lanes - masks.count)
  }

  /// The cheapest reading of one vector: permutations within pairs and quads cost no more than a
  /// load.
  ///
  /// - Parameter sources: for each vector of outputs and channel of the group, what its lanes read.
  private static func access(
    _ sources: [[[Source]]], channels: Int, oneByOne: Bool
  ) -> LaneReading {
    /// Whether all channels are read in blocks of neighbouring lanes of one vector.
    func isBlocked(_ block: Int) -> Bool {
      channels % block == 0
        && sources.allSatisfy { vector in
          vector.enumerated().allSatisfy { channel, source in
            source[0].start == vector[channel - channel % block][0].start
              && source[0].lanes.enumerated().allSatisfy { lane, number in
                number == nil || number == lane - lane % block + channel % block
              }
          }
        }
    }
    if isBlocked(1) { return .plain }
    if !oneByOne, isBlocked(4) { return .quads }
    if !oneByOne, isBlocked(2) { return .pairs }
    return .permuted(sources: 1)
  }
}
