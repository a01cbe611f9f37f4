import ConvoyGraphs
import ConvoyTensors

/// Ends a graph with the gradients of a weighted sum of a result, in all inputs and parameters so far.
func finishWithGradients(_ builder: GraphBuilder, of result: Value) throws -> Graph {
  let wanted = (builder.graph.inputs + builder.graph.parameters).map(builder.value)
  let weights = builder.input("seed", result.shape)
  let gradients = builder.gradients(of: (result * weights).sum(), withRespectTo: wanted)
  for (value, gradient) in zip(wanted, gradients) {
    builder.output("\(value.name) gradient", gradient)
  }
  builder.output("result", result)
  return try builder.finish()
}

/// A random image in 1, 2 or 3 dimensions, given as it is or made by a convolution.
///
/// The convolution has no bias: before a batch normalisation its gradient is zero, and what is computed
/// is all rounding.
func randomImage(
  _ builder: GraphBuilder, channels: [Int] = [3, 16, 58], extents: [Int],
  _ random: inout Random
) -> Value {
  let channels = channels[random.below(channels.count)]
  let batch = 1 + random.below(3)
  guard random.below(2) == 0 else {
    return builder.input("image", Shape([batch, channels] + extents))
  }
  let kernel = extents.count == 3 ? 1 : [1, 3][random.below(2)]
  return builder.input("image", Shape([batch, 2] + extents))
    .convolution(channels, kernel: kernel, padding: .uniform(kernel / 2), bias: false)
}
