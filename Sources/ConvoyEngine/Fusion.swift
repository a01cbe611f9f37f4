import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// Moves the addition of another value, and the elementwise function after an operator, into the
/// operator's epilogue, where nothing else reads the values in between.
func fusingEpilogues(_ nodes: [ScheduledNode], in graph: Graph) -> [ScheduledNode] {
  var readers = Array(repeating: 0, count: graph.values.count)
  for node in nodes { for input in node.node.inputs { readers[input.index] += 1 } }
  for output in graph.outputs { readers[output.value.index] += 1 }
  for update in graph.updates { readers[update.value.index] += 1 }
  var makers: [ValueID: Int] = [:]
  // For each value, the number of resulting nodes after which it is available.
  var moments: [ValueID: Int] = [:]
  var result: [ScheduledNode] = []
  for node in nodes {
    if case .function(let function) = node.operation.kind, let input = node.node.inputs.first,
      readers[input.index] == 1, let maker = makers[input]
    {
      result[maker].function = function
      result[maker].outputs = node.outputs
      moments[node.outputs[0]] = maker
      makers[input] = nil
      continue
    }
    if let sum = residualSum(node) {
      result[sum.maker].residual = sum.other
      result[sum.maker].outputs = node.outputs
      makers[sum.value] = nil
      makers[node.outputs[0]] = sum.maker
      moments[node.outputs[0]] = sum.maker
      continue
    }
    if node.operation.epilogue != .none { makers[node.outputs[0]] = result.count }
    for output in node.outputs { moments[output] = result.count }
    result.append(node)
  }
  return result

  /// The sum of a convolution's output that nothing else reads, and a value that is available
  /// before it.
  func residualSum(_ node: ScheduledNode) -> (maker: Int, value: ValueID, other: ValueID)? {
    guard case .arithmetic(.add) = node.operation.kind,
      graph[node.node.inputs[0]].shape == graph[node.node.inputs[1]].shape
    else { return nil }
    let choices =
      [(0, 1), (1, 0)].compactMap { own, other in
        let (value, other) = (node.node.inputs[own], node.node.inputs[other])
        if readers[value.index] == 1, let maker = makers[value], let moment = moments[other],
          moment < maker, result[maker].residual == nil,
          result[maker].operation.epilogue == .residualAndFunction
        {
          return (maker: maker, value: value, other: other)
        }
        return nil
      } as [(maker: Int, value: ValueID, other: ValueID)]
    return choices.first
  }
}
