import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// A node as it is computed, perhaps with the elementwise function that follows it.
struct ScheduledNode: Sendable {
  let node: Graph.Node
  /// The node's operator, as it is lowered.
  let operation: any Lowerable
  /// The residual that is added to its output before the function.
  var residual: ValueID?
  /// The epilogue: the function that is applied to its output.
  var function: ScalarFunction?
  /// The values it computes: the outputs of the last node that is fused into it.
  var outputs: [ValueID]

  /// - Throws: `ConvoyError` where the operator has no kernels.
  init(_ node: Graph.Node) throws(ConvoyError) {
    self.node = node
    operation = try node.lowerable()
    outputs = node.outputs
  }
}
