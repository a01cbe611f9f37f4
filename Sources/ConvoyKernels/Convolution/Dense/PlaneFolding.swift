import ConvoyTensors

/// How the sums of output planes with few channels are spread over lanes that would otherwise be
/// idle.
///
/// Where a plane holds channels in its first n ≤ 8 lanes, lane o·f + s of a sum belongs to output o
/// and to the input channels in position s of blocks of f adjacent channels. The factor f is a
/// power of two with n·f ≤ 16. One multiplication computes f products for each output; the f lanes
/// are added at the end.
///
/// Input channels are taken in runs of adjacent lanes in one plane. If the length of a run is no
/// multiple of f, its last block overlaps the block before; the weights of channels that both
/// blocks include are 0 in the last. Lanes that hold no channel are never read into a sum, since
/// their values are undefined.
struct PlaneFolding: Hashable, Sendable {
  /// A step of the sum, before its taps: f adjacent input channels of the group.
  struct Block: Hashable, Sendable {
    /// The first channel.
    var channel: Int
    /// The first channel that the block before does not include.
    var fresh: Int
  }

  /// For each output plane, the number of lanes of each output: 1 where nothing is folded.
  let factors: [Int]
  /// For each output plane, the blocks of its sums.
  let blocks: [[Block]]

  /// Folds planes where that shortens the sums by at least a quarter, in groups of few planes.
  ///
  /// A folded plane's sums are made in another order than the others', and differ from them in their
  /// last bits even where all weights are equal. Among many planes, as in front of a thousand
  /// classes, one that is folded saves next to nothing.
  ///
  /// - Parameter machine: the machine that the kernel runs on; nil if it cannot fold.
  init(_ problem: ConvolutionProblem, _ machine: Machine?) {
    let mayFold = machine?.foldsPlanes ?? false
    let channels = problem.output.channelsByLane
    let count = problem.inputsPerGroup
    let single = (0..<count).map { Block(channel: $0, fresh: $0) }
    let planesOfGroup = Dictionary(grouping: problem.groupOfPlanes, by: \.self)
      .mapValues(\.count)
    let foldings = problem.groupOfPlanes.enumerated().map { plane, group in
      let lanes = channels[plane * PlaneLayout.lanes..<(plane + 1) * PlaneLayout.lanes]
      let outputs = lanes.prefix { $0 != nil }.count
      guard mayFold, let group, planesOfGroup[group, default: 0] <= PlaneFolding.mostPlanes,
        (1...PlaneLayout.lanes / 2).contains(outputs),
        lanes.dropFirst(outputs).allSatisfy({ $0 == nil })
      else { return (1, single) }
      let runs = problem.inputRuns(group: group)
      let shortest = runs.reduce(count) { min($0, $1.count) }
      let choices = [16, 8, 4, 2].filter { $0 * outputs <= PlaneLayout.lanes && $0 <= shortest }
        .map { factor in (factor, runs.flatMap { PlaneFolding.blocks(of: $0, factor) }) }
      let best = choices.min { $0.1.count < $1.1.count }
      return best.flatMap { 4 * $0.1.count <= 3 * count ? $0 : nil } ?? (1, single)
    }
    factors = foldings.map(\.0)
    blocks = foldings.map(\.1)
  }

  /// The planes of a group up to which one of them may be folded.
  private static let mostPlanes = 32

  /// The blocks of a run that is at least as long as a block.
  private static func blocks(of run: Range<Int>, _ factor: Int) -> [Block] {
    stride(from: run.lowerBound, to: run.upperBound, by: factor).map {
      Block(channel: min($0, run.upperBound - factor), fresh: $0)
    }
  }

  /// The offsets of the packed weights of each phase's planes, and their total count, in floats.
  func weightStarts(_ phases: [Phase]) -> (starts: [[Int]], count: Int) {
    var count = 0
    let starts = phases.map { phase in
      blocks.map { blocks in
        defer { count += blocks.count * phase.taps.count * PlaneLayout.lanes }
        return count
      }
    }
    return (starts, count)
  }

  /// A range of planes divided into parts that tiles can share: stretches of unfolded planes, and
  /// each folded plane.
  func parts(of planes: Range<Int>) -> [Range<Int>] {
    planes.reduce(into: []) { parts, plane in
      if let last = parts.last, factors[plane] == 1, factors[last.lowerBound] == 1 {
        parts[parts.count - 1] = last.lowerBound..<plane + 1
      } else {
        parts.append(plane..<plane + 1)
      }
    }
  }
}

extension ConvolutionProblem {
  /// A group's input channels, divided into runs of adjacent lanes in one plane.
  fileprivate func inputRuns(group: Int) -> [Range<Int>] {
    let positions = input.map[group * inputsPerGroup..<(group + 1) * inputsPerGroup]
    var runs: [Range<Int>] = []
    var last: PlaneLayout.Position?
    for (channel, position) in positions.enumerated() {
      if let last, let run = runs.last, position.plane == last.plane,
        position.lane == last.lane + 1
      {
        runs[runs.count - 1] = run.lowerBound..<channel + 1
      } else {
        runs.append(channel..<channel + 1)
      }
      last = position
    }
    return runs
  }
}
