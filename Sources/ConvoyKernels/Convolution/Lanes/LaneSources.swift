import ConvoyTensors
import ConvoyTiles

/// How the lanes of narrow groups' outputs find their inputs without being gathered first.
///
/// A vector of inputs has, in each lane, the number that the group of that lane's output reads. With
/// identity maps and groups of 2, 4 and 8 channels, all these stand in one vector of one plane, and a
/// permutation brings each to its lane; other widths straddle planes, and the vector is put together
/// from two or three of them.
struct LaneSources: Equatable, Sendable {
  let access: LaneTile.Access
  /// For each vector of outputs, step and source, what is read.
  let starts: [[PlaneSource]]
  /// For each vector of outputs, the table of lanes' numbers and masks: see `LaneTile`.
  let numbers: [[Int32]]

  /// A vector that inputs are taken from.
  private struct Source: Hashable {
    /// Where it stands in a pixel.
    var start: PlaneSource
    /// For each lane, the lane of this source; nil where it takes another source's.
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
    // Vectors are put together by masks.
    guard count <= (machine.hasMasks ? LaneTile.Access.maximalSources : 1) else {
      return nil
    }
    let access =
      count > 1
      ? .permuted(sources: count)
      : LaneSources.access(
        vectors, channels: problem.inputsPerGroup, oneByOne: oneByOne)
    self.access = access
    // A step of pairs or quads reads its vector once for all its channels.
    starts = vectors.map { steps in
      stride(from: 0, to: steps.count, by: access.channels).flatMap { step in
        (0..<count).map { steps[step][min($0, steps[step].count - 1)].start }
      }
    }
    numbers =
      access.numbersPerStep == 0
      ? [] : vectors.map { $0.flatMap { LaneSources.table($0, count: count) } }
  }

  /// For each input channel of a group, the vectors that a vector of outputs takes it from.
  private static func sources(
    _ problem: ConvolutionProblem, _ machine: Machine, lane first: Int,
    _ positions: [PlaneLayout.Position], isUsed: [Bool]
  ) -> [[Source]] {
    let lanes = PlaneLayout.lanes
    let width = machine.vectorWidth
    // Lanes that no output channel uses may read anything; a vector of such must read something.
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

  /// The numbers of a step: 16 for each source, and behind them the masks of all but the first.
  private static func table(_ sources: [Source], count: Int) -> [Int32] {
    let lanes = PlaneLayout.lanes
    var numbers: [Int32] = []
    var masks: [Int32] = []
    for index in 0..<count {
      // A step of fewer sources masks the others out.
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

  /// The cheapest way to read one vector: permutations within pairs and quads cost no more than a load.
  ///
  /// - Parameter sources: for each vector of outputs and channel of the group, what its lanes take.
  private static func access(
    _ sources: [[[Source]]], channels: Int, oneByOne: Bool
  ) -> LaneTile.Access {
    /// Whether channels come in blocks of neighbouring lanes that stand in one vector.
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
