import ConvoyTensors

/// Brings the inputs of narrow groups into the lanes of the outputs that need them.
///
/// For input channel j of each group, lane l of a gathered plane holds channel j of the group that
/// output lane l belongs to. A gathered plane has the geometry of the input's, for one image, but only
/// the pixels that a chunk reads are filled in.
struct LaneGather: Sendable {
  /// For each phase and output plane, where each pair of input channel and tap reads.
  let distances: [[[Int]]]
  let scratchCount: Int

  /// For each output plane, input channel of the group and lane: floats from the input's base.
  /// Nil for a plane whose lanes stand in the input just as they do in the output.
  private let sources: [[Int]?]
  /// For each output plane that is not gathered, where the input plane that it reads begins.
  private let direct: [Int?]
  private let inputsPerGroup: Int
  private let imageStride: Int
  private let reach: [(first: Int, last: Int)]

  init(_ problem: ConvolutionProblem, _ works: [PhaseWork]) {
    let lanes = PlaneLayout.lanes
    let input = problem.input
    inputsPerGroup = problem.inputsPerGroup
    imageStride = input.imageStride
    var direct: [Int?] = []
    var sources: [[Int]?] = []
    let channels = problem.output.channelsByLane
    for plane in problem.output.planes.indices {
      let positions = LaneGather.positions(problem, plane, channels)
      let first = positions[0]
      let isDirect =
        problem.inputsPerGroup == 1
        && (0..<lanes).allSatisfy { lane in
          channels[plane * lanes + lane] == nil
            || (positions[lane].plane == first.plane && positions[lane].lane == lane)
        }
      direct.append(isDirect ? input.planes[first.plane] : nil)
      sources.append(isDirect ? nil : positions.map { input.planes[$0.plane] + $0.lane })
    }
    self.sources = sources
    self.direct = direct
    distances = works.map { [direct] work in
      let taps = work.phase.taps.map { input.distance($0.offset) }
      return direct.map { start in
        if let start { return taps.map { start + $0 } }
        return (0..<problem.inputsPerGroup).flatMap { channel in
          taps.map { channel * input.imageStride + $0 }
        }
      }
    }
    reach = works.map { work in
      let taps = work.phase.taps.map { input.distance($0.offset) }
      return (taps.min() ?? 0, (taps.max() ?? -lanes) + lanes)
    }
    scratchCount = sources.contains { $0 != nil } ? inputsPerGroup * input.imageStride : 0
  }

  /// For each input channel of a group and lane of an output plane, where that number is. Lanes that
  /// no output channel uses read what the first that one uses reads; their weights are 0.
  ///
  /// - Parameter channels: for each lane of the output its channel.
  static func positions(
    _ problem: ConvolutionProblem, _ plane: Int, _ channels: [Int?]
  ) -> [PlaneLayout.Position] {
    let lanes = PlaneLayout.lanes
    let channels = channels[plane * lanes..<(plane + 1) * lanes]
    let first = channels.lazy.compactMap { $0 }.first ?? 0
    return (0..<problem.inputsPerGroup).flatMap { channel in
      (0..<lanes).map { lane in
        let group = problem.group(ofOutput: channels[plane * lanes + lane] ?? first)
        return problem.input.map[group * problem.inputsPerGroup + channel]
      }
    }
  }

  /// Where the plane that an output plane reads an input channel of its groups from begins, from the
  /// base that `prepare` returns.
  func start(plane: Int, channel: Int) -> Int { direct[plane] ?? channel * imageStride }

  /// Gathers what some rows of one image read, if it needs gathering.
  ///
  /// - Returns: the base that `distances`, with the rows' own offsets, are counted from.
  func prepare(
    plane: Int, image: Int, rows: Range<Int>, of grid: PixelGrid, work: Int,
    from input: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    guard let sources = sources[plane] else { return input }
    let imageStart = image * imageStride
    let first = grid.inputOffset(ofRow: rows.lowerBound) - imageStart + reach[work].first
    let last =
      grid.inputOffset(ofRow: rows.upperBound - 1) - imageStart
      + (grid.columns - 1) * grid.inputColumnStep + reach[work].last
    for channel in 0..<inputsPerGroup {
      sources.withUnsafeBufferPointer { sources in
        let lanes = UnsafeBufferPointer(rebasing: sources[channel * 16..<channel * 16 + 16])
        var pixel = first
        while pixel < last {
          let target = scratch + channel * imageStride + pixel
          let source = input + imageStart + pixel
          for lane in 0..<16 { target[lane] = source[lanes[lane]] }
          pixel += PlaneLayout.lanes
        }
      }
    }
    return UnsafePointer(scratch - imageStart)
  }
}
