import ConvoyTensors

/// How the lanes of narrow groups' outputs find their inputs without being gathered first: where, for
/// each vector of outputs and each input channel of a group, all lanes read the same vector of the same
/// plane, a permutation brings each its own number.
///
/// So it is with identity maps and groups of 2, 4 and 8 channels, and where one input channel feeds
/// several outputs.
struct LaneSources: Sendable {
  let access: LaneTile.Access
  /// For each vector of outputs and step, floats from the input's base to the vector that is read.
  let starts: [[Int]]
  /// For each vector of outputs, the numbers of the lanes that each step's vector takes: 16 a step.
  let numbers: [[Int32]]

  /// - Parameter oneByOne: whether each step must be of one input channel.
  /// - Returns: nil if lanes read from several vectors.
  init?(_ problem: ConvolutionProblem, _ machine: Machine, oneByOne: Bool) {
    let lanes = PlaneLayout.lanes
    let width = machine.vectorWidth
    var starts: [[Int]] = []
    var numbers: [[Int32]] = []
    for plane in problem.output.planes.indices {
      let positions = LaneGather.positions(problem, plane)
      for part in 0..<machine.vectorsPerPlane {
        // Lanes that no output channel uses may read anything.
        let used = max(0, min(width, problem.output.channels - plane * lanes - part * width))
        var vectorStarts: [Int] = []
        var vectorNumbers: [Int32] = []
        for channel in 0..<problem.inputsPerGroup {
          let first = channel * lanes + part * width
          let sources = positions[first..<first + max(1, used)]
          let source = positions[first]
          let block = source.lane / width
          guard sources.allSatisfy({ $0.plane == source.plane && $0.lane / width == block }) else {
            return nil
          }
          vectorStarts.append(problem.input.planes[source.plane] + block * width)
          var lane = (0..<Int32(lanes)).map { $0 % Int32(width) }
          for (index, source) in sources.prefix(used).enumerated() {
            lane[index] = Int32(source.lane % width)
          }
          vectorNumbers += lane
        }
        starts.append(vectorStarts)
        numbers.append(vectorNumbers)
      }
    }
    access = LaneSources.access(
      numbers, channels: problem.inputsPerGroup, outputs: problem.outputsPerGroup, width: width,
      oneByOne: oneByOne)
    // A step of pairs or quads reads its vector for all its channels.
    self.starts = access.channels == 1 ? starts : starts.map { [$0[0]] }
    self.numbers = numbers
  }

  /// The cheapest way to read: permutations within pairs and quads cost no more than a load.
  private static func access(
    _ numbers: [[Int32]], channels: Int, outputs: Int, width: Int,
    oneByOne: Bool
  ) -> LaneTile.Access {
    if channels == 1, numbers.allSatisfy({ isIdentity($0, width) }) { return .plain }
    if !oneByOne, channels == outputs, channels == 2 || channels == 4 {
      let isWithinGroups = numbers.allSatisfy { numbers in
        numbers.indices.allSatisfy { index in
          let (channel, lane) = index.quotientAndRemainder(dividingBy: PlaneLayout.lanes)
          let own = lane % width
          return Int(numbers[index]) == own - own % channels + channel || Int(numbers[index]) == own
        }
      }
      if isWithinGroups { return channels == 2 ? .pairs : .quads }
    }
    return .permuted
  }

  private static func isIdentity(_ numbers: [Int32], _ width: Int) -> Bool {
    numbers.indices.allSatisfy { Int(numbers[$0]) == $0 % width }
  }
}
