public import ConvoyGraphs
public import ConvoyTensors

extension Model {
  /// The same network, made simpler for running: the result computes the same and can be saved.
  ///
  /// Operators that do nothing outside training go (dropout), and so do those that change nothing (a
  /// reshape to the shape there is); normalisations that were written out become one operator; batch norm,
  /// and arithmetic with a fixed number a channel, are folded into the convolution, transposed convolution
  /// or linear layer before them where nothing else reads that layer; arithmetic also into an unpadded
  /// convolution or linear layer after it. Parameters keep their names; one that is only read reshaped takes
  /// that shape, a layer that gets its bias from what is folded into it has it as `name.bias`, and what
  /// depends on parameters alone becomes one.
  ///
  /// - Throws: what a shape rule says; not for a graph that is well formed.
  public func simplified() throws(ConvoyError) -> Model {
    var compilation = Compilation(graph, parameters: parameters)
    try compilation.apply([.simplify])
    return compilation.model
  }
}
