import ConvoyGraphs
import ConvoyTensors

/// Shapes that meet the engine's edges: channels that fill no plane, maps of one pixel, small batches.
func randomImageShape(
  _ random: inout Random, channels: [Int] = [1, 3, 16, 24, 32, 58], rank: Int = 2
) -> Shape {
  let extents = (0..<rank).map { _ in random.below(4) == 0 ? 1 : 1 + random.below(6) }
  return Shape([1 + random.below(3), channels[random.below(channels.count)]] + extents)
}

extension Value {
  /// A convolution that keeps the map's extents, or nothing: what comes before and after the operator
  /// under test, so that it meets planes with and without halos, or row-major numbers.
  func maybeConvolved(_ channels: Int, _ random: inout Random) -> Value {
    switch random.below(4) {
    case 0: self
    case 1: convolution(channels, kernel: 1, bias: false)
    default:
      // As many groups as can be: the references are slow.
      convolution(
        channels, kernel: 3, padding: 1, groups: greatestCommonDivisor(channels, shape[1]),
        bias: random.below(2) == 0)
    }
  }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  b == 0 ? a : greatestCommonDivisor(b, a % b)
}

extension GraphBuilder {
  /// Finishes the graph with a value's gradients with respect to inputs as outputs.
  ///
  /// - Parameter wanted: which of the graph's values; all inputs if nil.
  func finish(withGradientsOf value: Value, to wanted: [Value]? = nil) throws -> Graph {
    output("result", value)
    let wanted = wanted ?? graph.inputs.map(self.value)
    let seed = input("seed", value.shape)
    for (value, gradient) in zip(wanted, gradients(of: value * seed, withRespectTo: wanted)) {
      output("\(value.name) gradient", gradient)
    }
    return try finish()
  }
}
