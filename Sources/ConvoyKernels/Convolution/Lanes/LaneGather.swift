import ConvoyTensors

/// Copies the inputs of narrow groups into the lanes of the outputs that need them.
///
/// For input channel j of each group, lane l of a gathered plane holds channel j of the group that
/// output lane l belongs to. A gathered plane has the geometry of the input's planes, for one
/// image; only the pixels that a chunk reads are filled in.
struct LaneGather: Equatable, Sendable {
  let scratchCount: Int

  /// For each output plane, input channel of the group and lane: the position of the number to
  /// gather. Nil for a plane whose lanes have the same order in the input as in the output.
  private let sources: [[PlaneLayout.Position]?]
  /// For each output plane that is not gathered, the input plane that it reads.
  private let direct: [Int?]
  private let inputsPerGroup: Int
  private let imageStride: Int
  /// For each phase, floats from an output's pixel to the pixel that each of its taps reads.
  private let taps: [[Int]]

  init(_ problem: ConvolutionProblem, _ phases: [Phase]) {
    let lanes = PlaneLayout.lanes
    inputsPerGroup = problem.inputsPerGroup
    imageStride = problem.input.imageStride
    var direct: [Int?] = []
    var sources: [[PlaneLayout.Position]?] = []
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
      direct.append(isDirect ? first.plane : nil)
      sources.append(isDirect ? nil : positions)
    }
    self.sources = sources
    self.direct = direct
    taps = phases.map { $0.taps.map { problem.input.distance($0.offset) } }
    scratchCount =
      sources.contains { $0 != nil } ? inputsPerGroup * problem.input.imageStride : 0
  }

  /// For each input channel of a group and lane of an output plane, the position of the number to
  /// gather. Lanes without an output channel read what the first lane with one reads; their weights
  /// are 0.
  ///
  /// - Parameter channels: for each lane of the output, its channel.
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

  /// The beginning of the plane from which an output plane reads an input channel of its groups,
  /// relative to the base that `Placed.prepare` returns.
  func start(plane: Int, channel: Int) -> PlaneSource {
    let offset = direct[plane] == nil ? channel * imageStride : 0
    return PlaneSource(plane: direct[plane], offset: offset)
  }

  /// The gathering for input planes at given offsets.
  func placed(at planes: [Int]) -> Placed { Placed(self, planes) }

  /// A gathering for input planes at given offsets.
  struct Placed: Sendable {
    /// For each output plane, input channel of the group and lane: floats from the input's base.
    private let sources: [[Int]?]
    private let gather: LaneGather
    private let planes: [Int]
    /// For each phase, the floats around an output's pixel that its taps read; nil without taps.
    private let reach: [Range<Int>?]

    fileprivate init(_ gather: LaneGather, _ planes: [Int]) {
      self.gather = gather
      self.planes = planes
      sources = gather.sources.map { $0?.map { planes[$0.plane] + $0.lane } }
      reach = gather.taps.map { taps in
        guard let first = taps.min(), let last = taps.max() else { return nil }
        return first..<last + PlaneLayout.lanes
      }
    }

    /// The indirection table of each phase and output plane: for each pair of input channel and
    /// tap, where the pair reads, relative to the base that `prepare` returns.
    var distances: [[[Int]]] {
      gather.taps.map { taps in
        gather.sources.indices.map { plane in
          (0..<gather.inputsPerGroup).flatMap { channel in
            let start = gather.start(plane: plane, channel: channel).placed(planes)
            return taps.map { start + $0 }
          }
        }
      }
    }

    /// Gathers what a block of pixels of one image reads, if the method gathers.
    ///
    /// - Parameter block: pixels of one image, at least one.
    /// - Returns: the base that `distances`, with the pixels' own offsets, are relative to.
    func prepare(
      plane: Int, _ block: PixelBlock, of grid: PixelGrid, phase: Int,
      from input: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
      guard let sources = sources[plane], let reach = reach[phase] else { return input }
      let imageStride = gather.imageStride
      let imageStart = grid.image(ofRow: block.rows.lowerBound) * imageStride
      let (first, last) = grid.inputOffsets(of: block)
      let read = first - imageStart + reach.lowerBound..<last - imageStart + reach.upperBound
      precondition(
        read.lowerBound >= 0 && read.upperBound <= imageStride,
        "A block reads pixels outside its image's plane.")
      for channel in 0..<gather.inputsPerGroup {
        sources.withUnsafeBufferPointer { sources in
          let lanes = UnsafeBufferPointer(rebasing: sources[channel * 16..<channel * 16 + 16])
          var pixel = read.lowerBound
          while pixel < read.upperBound {
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
}
