import ConvoyTensors
import Testing

@testable import ConvoyGraphs

/// What `simplified()` makes of arithmetic with a number a channel, and of reshaped parameters.
@Suite struct FoldChannelAffineTests {
  private let checks = SimplifyTests()

  /// A parameter of a number a channel, in one of the shapes that repeat over images [B, C, H, W].
  private func numbers(_ image: Value, _ name: String, as shape: Shape) -> Value {
    image.builder.parameter(name, shape, Parameter(.normal(deviation: 1)))
  }

  @Test(arguments: [[6, 1, 1], [1, 6, 1, 1], [1], []] as [Shape])
  func foldsIntoTheLayerBefore(_ shape: Shape) throws {
    for (bias, groups) in [(true, 1), (false, 2)] {
      let network = try Network(input: [4, 5, 5]) { image in
        let maps = image.convolution(
          6, kernel: 3, padding: 1, groups: groups, bias: bias, name: "conv")
        let scaled = numbers(maps, "scale", as: shape) * maps
        let moved = numbers(maps, "start", as: shape) - scaled
        return (moved + numbers(maps, "shift", as: shape)) / numbers(maps, "divisor", as: shape)
      }
      let simple = try checks.simplified(network, seed: 11)
      #expect(checks.operators(simple) == ["convolution"])
      #expect(checks.parameterNames(simple) == ["conv.weight", "conv.bias"])
    }
  }

  @Test func aProductNeedsNoBias() throws {
    let network = try Network(input: [4, 5, 5]) { image in
      let maps = image.convolution(6, kernel: 3, bias: false, name: "conv")
      return maps * numbers(maps, "scale", as: [6, 1, 1])
    }
    #expect(checks.parameterNames(try checks.simplified(network, seed: 12)) == ["conv.weight"])
  }

  @Test(arguments: [1, 2]) func foldsIntoTheLayerAfter(_ groups: Int) throws {
    for (kernel, bias) in [(1, true), (3, false)] {
      let network = try Network(input: [4, 5, 5]) { image in
        let scale = numbers(image, "scale", as: [4, 1, 1])
        return (image.relu() * scale - numbers(image, "shift", as: [1, 4, 1, 1]))
          .convolution(6, kernel: kernel, groups: groups, bias: bias, name: "conv")
      }
      let simple = try checks.simplified(network, seed: 13)
      #expect(checks.operators(simple) == ["elementwise", "convolution"])
      #expect(checks.parameterNames(simple) == ["conv.weight", "conv.bias"])
    }
  }

  @Test func foldsIntoTheLinearLayerAfter() throws {
    let network = try Network(input: [6]) { features in
      (features.relu() + numbers(features, "shift", as: [6])).linear(3, name: "fc")
    }
    #expect(
      checks.operators(try checks.simplified(network, seed: 14)) == ["elementwise", "linear"])
  }

  /// Layer normalisation's scale and shift go into the pointwise convolution after it, whose weights are
  /// declared as a matrix; the scale after that goes in too.
  @Test func aBlockOfConvNeXt() throws {
    let network = try Network(input: [6, 4, 4]) { image in
      let maps = image.layerNormalization(name: "norm")
      let matrix = numbers(image, "point.weight", as: [6, 6]).reshaped([6, 6, 1, 1])
      let point = maps.convolution(weights: matrix, name: "point")
      return point * numbers(image, "scale", as: [6, 1, 1]).reshaped([1, 6, 1, 1]) + image
    }
    let simple = try checks.simplified(network, seed: 15)
    #expect(checks.operators(simple) == ["standardization", "convolution", "arithmetic"])
    #expect(simple.parameters["point.weight"]?.shape == [6, 6, 1, 1])
    #expect(checks.parameterNames(simple) == ["point.weight", "point.bias"])
  }

  // MARK: What stays

  /// Padding, other shapes, numbers that change, and what somebody else reads.
  @Test func keepsWhatCannotBeFolded() throws {
    func operators(_ layers: (Value) -> Value) throws -> [String] {
      checks.operators(
        try checks.simplified(try Network(input: [4, 4, 4], layers), seed: 16))
    }
    #expect(
      try operators { image in
        (image * numbers(image, "scale", as: [4, 1, 1])).convolution(3, kernel: 3, padding: 1)
      } == ["arithmetic", "convolution"])
    for shape in [[4], [4, 4], [4, 4, 4], [1, 1, 4, 1]] as [Shape] {
      #expect(
        try operators { image in
          let maps = image.convolution(4, kernel: 1)
          return maps + numbers(image, "shift", as: shape)
        } == ["convolution", "arithmetic"])
    }
    #expect(
      try operators { image in
        let maps = image.convolution(4, kernel: 1)
        return maps.relu() + maps * numbers(image, "scale", as: [4, 1, 1])
      } == ["convolution", "elementwise", "arithmetic", "arithmetic"])
    #expect(
      try operators { image in
        let maps = image.convolution(4, kernel: 1)
        return numbers(image, "scale", as: [4, 1, 1])
          / maps.maximum(
            numbers(image, "limit", as: [4, 1, 1]))
      } == ["convolution", "arithmetic", "arithmetic"])
    // A parameter that is read as it is, too, keeps its shape; the other becomes one of its own.
    #expect(
      try operators { image in
        let scale = numbers(image, "scale", as: [4, 1, 1])
        return image * scale.reshaped([1, 4, 1, 1]) + scale
      } == ["arithmetic", "arithmetic"])
  }

  @Test func numbersThatRunsChangeStay() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", [1, 4, 2, 2])
    let scale = builder.parameter("scale", [4, 1, 1], Parameter(.constant(2)))
    let start = builder.parameter("start", [4], Parameter(.constant(1)))
    builder.output("y", image.convolution(4, kernel: 1, name: "conv") * scale)
    builder.output("z", image * start.reshaped([4, 1, 1]))
    builder.update(scale, to: scale.scaled(by: 2))
    builder.update(start, to: start.scaled(by: 2))
    let network = Network(try builder.finish())
    let simple = try checks.simplified(network, seed: 17)
    #expect(
      checks.operators(simple)
        == ["convolution", "arithmetic", "reshape", "arithmetic", "elementwise", "elementwise"])
  }
}
