public import ConvoyGraphs
public import ConvoyTensors

extension Model {
  /// The same network, simplified for inference: the result computes the same function and can be
  /// saved.
  ///
  /// Operators that have no effect outside training are removed (dropout), and so are those that
  /// change nothing (a reshape to the same shape). Normalisations that are written as arithmetic
  /// become one operator. Batch normalisation, and arithmetic with a constant for each channel, are
  /// folded into the convolution, transposed convolution or linear layer before them where nothing
  /// else reads that layer; arithmetic also into an unpadded convolution or linear layer after it.
  /// Parameters keep their names. A parameter that is only read through a reshape takes the
  /// reshaped form; a layer that gets a bias by folding has it as `name.bias`; everything that
  /// depends on parameters alone becomes a parameter.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
  public func simplified() throws(ConvoyError) -> Model {
    var compilation = Compilation(graph, parameters: parameters)
    try compilation.apply([.simplify])
    return compilation.model
  }
}
