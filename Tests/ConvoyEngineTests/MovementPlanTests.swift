import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

/// What only moves numbers, row-major and between convolutions, forward and backward.
@Suite struct MovementPlanTests {
  static func randomShape(_ random: inout Random) -> Shape {
    Shape((0..<1 + random.below(5)).map { _ in [1, 2, 3, 5, 8, 17][random.below(6)] })
  }

  /// Checks graphs of an operator on a row-major tensor of any rank.
  static func checkDense(
    _ seed: UInt64, _ make: (Value, inout Random) throws -> Value
  ) throws {
    var random = Random(seed: seed)
    for _ in 0..<120 {
      let builder = GraphBuilder()
      let value = try make(builder.input("x", randomShape(&random)), &random)
      try expectPlanMatchesReference(
        try builder.finish(withGradientsOf: value), random: &random)
    }
  }

  /// Checks graphs of an operator that comes after a convolution and before another.
  static func checkImages(
    _ seed: UInt64, channels: [Int] = [1, 3, 16, 32, 58],
    _ make: (Value, inout Random) throws -> Value
  ) throws {
    var random = Random(seed: seed)
    for _ in 0..<100 {
      let builder = GraphBuilder()
      let image = builder.input("image", randomImageShape(&random, rank: 1 + random.below(2)))
      let made = try make(
        image.maybeConvolved(channels[random.below(channels.count)], &random), &random)
      let value = made.maybeConvolved(made.shape[1], &random)
      try expectPlanMatchesReference(
        try builder.finish(withGradientsOf: value), random: &random)
    }
  }

  static func slice(_ value: Value, _ random: inout Random, dimension: Int? = nil) -> Value {
    let dimension = dimension ?? random.below(value.shape.rank)
    let start = random.below(value.shape[dimension])
    let end = start + 1 + random.below(value.shape[dimension] - start)
    return value.sliced(start..<end, dimension: dimension, step: 1 + random.below(3))
  }

  @Test func slicedDense() throws { try Self.checkDense(61) { Self.slice($0, &$1) } }

  @Test func slicedChannels() throws {
    try Self.checkImages(62) { value, random in
      guard value.shape[1] % 16 == 0, random.below(2) == 0 else {
        return Self.slice(value, &random, dimension: random.below(4) == 0 ? nil : 1)
      }
      let planes = value.shape[1] / 16
      let start = random.below(planes)
      let end = start + 1 + random.below(planes - start)
      return value.sliced(start * 16..<end * 16, dimension: 1)
    }
  }

  @Test func concatenatedDense() throws {
    try Self.checkDense(63) { value, random in
      let dimension = random.below(value.shape.rank)
      let others = (0..<random.below(3)).map { index in
        var extents = value.shape.dimensions
        extents[dimension] = 1 + random.below(5)
        return value.builder.input("other \(index)", Shape(extents))
      }
      return concatenate([value] + others, dimension: dimension)
    }
  }

  /// Inputs in planes and row-major, some of them twice.
  @Test func concatenatedChannels() throws {
    try Self.checkImages(64) { value, random in
      var parts = [value]
      for index in 0..<random.below(4) {
        var extents = value.shape.dimensions
        extents[1] = [1, 3, 16, 32, 58][random.below(5)]
        let other = value.builder.input("other \(index)", Shape(extents))
        parts.append(random.below(4) == 0 ? value : other.maybeConvolved(extents[1], &random))
      }
      return concatenate(parts, dimension: random.below(4) == 0 && parts.count == 1 ? 2 : 1)
    }
  }

  static func divisor(of number: Int, _ random: inout Random) -> Int {
    let divisors = (1...number).filter { number % $0 == 0 }
    return divisors[random.below(divisors.count)]
  }

  @Test func shuffledDense() throws {
    try Self.checkDense(65) { value, random in
      value.shape.rank < 2
        ? value : value.channelShuffle(groups: Self.divisor(of: value.shape[1], &random))
    }
  }

  @Test func shuffledChannels() throws {
    try Self.checkImages(66, channels: [3, 12, 16, 48, 58]) { value, random in
      value.channelShuffle(groups: Self.divisor(of: value.shape[1], &random))
    }
  }

  /// A unit of ShuffleNet v2: split, one branch convolved, joined and shuffled; 116 channels.
  @Test func shuffleUnit() throws {
    var random = Random(seed: 67)
    for channels in [6, 32, 116] {
      let builder = GraphBuilder()
      let image = builder.input("image", [2, channels, 3, 2]).relu()
      let halves = image.split(into: 2)
      let branch = halves[1].convolution(
        channels / 2, kernel: 3, padding: 1, groups: channels / 2, bias: false)
      let joined = concatenate([halves[0], branch]).channelShuffle(groups: 2)
      try expectPlanMatchesReference(
        try builder.finish(withGradientsOf: joined), random: &random)
    }
  }

  @Test func transposed() throws {
    try Self.checkDense(68) { value, random in
      value.transposed(Array(0..<value.shape.rank).shuffled(using: &random))
    }
    try Self.checkImages(69) { value, random in
      let spatial = Array(2..<value.shape.rank).shuffled(using: &random)
      return value.transposed([1, 0] + spatial).transposed([1, 0] + spatial)
    }
  }

  static func pad(_ value: Value, _ random: inout Random, first: Int) -> Value {
    func extents() -> [Int] {
      (0..<value.shape.rank).map { $0 < first ? 0 : random.below(3) }
    }
    return value.padded(
      before: extents(), after: extents(), value: random.below(2) == 0 ? 0 : random.normal())
  }

  @Test func paddedDense() throws { try Self.checkDense(70) { Self.pad($0, &$1, first: 0) } }

  @Test func paddedImages() throws {
    try Self.checkImages(71) { Self.pad($0, &$1, first: $1.below(4) == 0 ? 1 : 2) }
  }
}
