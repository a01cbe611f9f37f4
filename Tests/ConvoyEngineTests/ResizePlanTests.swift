import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct ResizePlanTests {
  @Test func resized() throws {
    var random = Random(seed: 81)
    for _ in 0..<120 {
      let builder = GraphBuilder()
      let image = builder.input("image", randomImageShape(&random, rank: 1 + random.below(3)))
      let made = image.maybeConvolved([3, 16, 24, 58][random.below(4)], &random)
      let extents = made.shape.dimensions.dropFirst(2).map { _ in 1 + random.below(9) }
      let interpolation: Resize.Interpolation =
        random.below(2) == 0 ? .linear : .nearest(.halfDown)
      let coordinates = Resize.Coordinates.allCases[
        random.below(Resize.Coordinates.allCases.count)]
      let resized = made.resized(to: extents, interpolation, coordinates: coordinates)
      let value = resized.maybeConvolved(made.shape[1], &random)
      try expectPlanMatchesReference(
        try builder.finish(withGradientsOf: value), random: &random)
    }
  }
}

@Suite struct MatrixProductPlanTests {
  @Test func products() throws {
    var random = Random(seed: 82)
    for _ in 0..<120 {
      let sizes = [1, 2, 3, 7, 16, 33, 70]
      func size() -> Int { sizes[random.below(sizes.count)] }
      let (rows, inner, columns) = (size(), size(), size())
      let leading = (0..<random.below(3)).map { _ in 1 + random.below(3) }
      func repeated() -> [Int] {
        leading.suffix(random.below(leading.count + 1)).map { random.below(3) == 0 ? 1 : $0 }
      }
      let builder = GraphBuilder()
      let a = builder.input("a", Shape(repeated() + [rows, inner]))
      let b = builder.input("b", Shape(repeated() + [inner, columns]))
      try expectPlanMatchesReference(
        try builder.finish(withGradientsOf: a.matrixProduct(b)), random: &random)
    }
  }
}

/// Functions of one number, alone and after layers whose epilogue can apply them.
@Suite struct PortableFunctionPlanTests {
  @Test(arguments: [
    ScalarFunction.errorFunction, .softplus, .softsign, .elu(alpha: 0.5), .mish,
    .approximateGELU, .power(exponent: 3),
  ]) func functions(_ function: ScalarFunction) throws {
    var random = Random(seed: 83)
    for channels in [3, 16, 40] {
      let builder = GraphBuilder()
      let image = builder.input("image", [2, channels, 5, 4])
      let made = image.applying(function)
        .convolution(channels, kernel: 3, padding: 1).applying(function)
        .convolution(16, kernel: 1).batchNormalization().applying(function)
      builder.output("y", made)
      try expectPlanMatchesReference(
        try builder.finish(), tolerance: 1e-4, random: &random,
        values: { name, random in
          name.hasSuffix("running_var") ? 0.5 + random.uniform() : 0.3 * random.normal()
        })
    }
  }
}
