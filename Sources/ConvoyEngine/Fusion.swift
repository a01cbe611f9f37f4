import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// A node as it will be computed: perhaps with the elementwise function that follows it.
struct ScheduledNode: Sendable {
  let node: Graph.Node
  /// What is applied to its output.
  var tail = Tail()
  /// The values it makes: those of the last node it stands for.
  var outputs: [ValueID]

  init(_ node: Graph.Node) {
    self.node = node
    outputs = node.outputs
  }
}

/// Lets operators compute the elementwise function after them, where nothing else reads what is between.
func fuseTails(_ nodes: [ScheduledNode], in graph: Graph) -> [ScheduledNode] {
  var readers = Array(repeating: 0, count: graph.values.count)
  for node in nodes { for input in node.node.inputs { readers[input.index] += 1 } }
  for output in graph.outputs { readers[output.value.index] += 1 }
  for update in graph.updates { readers[update.value.index] += 1 }
  var makers: [ValueID: Int] = [:]
  var result: [ScheduledNode] = []
  for node in nodes {
    if let elementwise = node.node.operation as? Elementwise, let input = node.node.inputs.first,
      readers[input.index] == 1, let maker = makers[input]
    {
      result[maker].tail = Tail(elementwise.function)
      result[maker].outputs = node.outputs
      makers[input] = nil
      continue
    }
    if node.node.operation is any TailFusing { makers[node.outputs[0]] = result.count }
    result.append(node)
  }
  return result
}

/// Operators whose kernels can apply a function to what they make.
protocol TailFusing: Lowerable {}
extension Convolution: TailFusing {}
extension TransposedConvolution: TailFusing {}
extension Linear: TailFusing {}
extension Arithmetic: TailFusing {}
extension BatchNormalization: TailFusing {}
