public import ConvoyGraphs
public import ConvoyTensors
import ConvoyEngine

/// Applies operators to tensors at once, without a network: builds a graph of what the closure does,
/// compiles and runs it.
///
/// For trying things out; a network that runs more than once is better compiled once.
///
/// - Parameters:
///   - tensors: what the closure gets as values.
///   - body: what is done to them.
/// - Throws: `ConvoyError` when they do not fit.
public func apply(_ tensors: [Tensor], _ body: ([Value]) -> Value) throws(ConvoyError) -> Tensor {
  let builder = GraphBuilder()
  let values = tensors.enumerated().map { builder.input("x\($0)", $1.shape, type: $1.type) }
  builder.output("result", body(values))
  let plan = try builder.finish().compiled(parameters: [:])
  var inputs: [String: Tensor] = [:]
  for (index, tensor) in tensors.enumerated() { inputs["x\(index)"] = tensor }
  let results = try plan.run(named: inputs)
  guard let result = results["result"] else {
    preconditionFailure("A run returns every output of its graph.")
  }
  return result
}

/// Convolves an image with weights: `convolution(x, weights, groups: 2)`.
///
/// - Parameters:
///   - image: [batch, inputs, …], with one to three spatial dimensions.
///   - weights: [outputs, inputs ∕ groups, kernel…].
///   - bias: [outputs].
/// - Returns: [batch, outputs, …].
/// - Throws: `ConvoyError` when shapes and attributes do not fit.
public func convolution(
  _ image: Tensor, _ weights: Tensor, bias: Tensor? = nil, stride: any SpatialExtents = 1,
  padding: Padding = 0, dilation: any SpatialExtents = 1, groups: Int = 1
) throws(ConvoyError) -> Tensor {
  try apply([image, weights] + (bias.map { [$0] } ?? [])) { values in
    values[0].convolution(
      weights: values[1], bias: values.count > 2 ? values[2] : nil, stride: stride,
      padding: padding, dilation: dilation, groups: groups)
  }
}

/// Convolves transposed: the adjoint of `convolution`, which spreads each input over its window.
///
/// - Parameters:
///   - image: [batch, inputs, …], with one to three spatial dimensions.
///   - weights: [inputs, outputs ∕ groups, kernel…].
///   - bias: [outputs].
/// - Returns: [batch, outputs, …].
/// - Throws: `ConvoyError` when shapes and attributes do not fit.
public func transposedConvolution(
  _ image: Tensor, _ weights: Tensor, bias: Tensor? = nil, stride: any SpatialExtents = 1,
  padding: Padding = 0, outputPadding: any SpatialExtents = 0, dilation: any SpatialExtents = 1,
  groups: Int = 1
) throws(ConvoyError) -> Tensor {
  try apply([image, weights] + (bias.map { [$0] } ?? [])) { values in
    values[0].transposedConvolution(
      weights: values[1], bias: values.count > 2 ? values[2] : nil, stride: stride,
      padding: padding, outputPadding: outputPadding, dilation: dilation, groups: groups)
  }
}
