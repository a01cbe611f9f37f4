import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// A node as it will be computed: perhaps with the elementwise function that follows it.
struct ScheduledNode: Sendable {
  let node: Graph.Node
  /// The node's operator, as it is computed.
  let operation: any Lowerable
  /// What is added to its output before the function.
  var residual: ValueID?
  /// The function that is applied to its output.
  var function = Tail()
  /// The values it makes: those of the last node it stands for.
  var outputs: [ValueID]

  /// - Throws: `ConvoyError` where the operator has no kernels.
  init(_ node: Graph.Node) throws(ConvoyError) {
    self.node = node
    operation = try node.lowerable()
    outputs = node.outputs
  }
}
