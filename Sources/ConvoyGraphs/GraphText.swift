import ConvoyTensors

extension Graph {
  /// The graph as readable text: a line for each input and parameter, each node with its inputs,
  /// and each output and update.
  ///
  /// - Complexity: O(*n*) in the number of nodes and values.
  public var text: String {
    var lines: [String] = []
    for id in valueIDs {
      switch self[id].origin {
      case .input: lines.append("input \(described(id))")
      case .parameter(let parameter):
        lines.append("parameter \(described(id))\(parameter.isTrainable ? "" : ", not trained")")
      case .constant: lines.append("constant \(described(id))")
      case .computed: break
      }
    }
    for node in nodes {
      let operation = node.operation
      let label = operation.glyph.label
      let name = type(of: operation).name
      lines.append(
        node.outputs.map(described).joined(separator: ", ") + " = \(name)"
          + (label == name ? "" : " ‘\(label)’")
          + " (" + node.inputs.map { self[$0].name }.joined(separator: ", ") + ")")
    }
    for output in outputs { lines.append("output \(output.name) = \(self[output.value].name)") }
    for update in updates {
      lines.append("update \(self[update.parameter].name) = \(self[update.value].name)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func described(_ id: ValueID) -> String {
    "\(self[id].name): \(TensorType(self[id].shape, self[id].type))"
  }

  /// The differences from an earlier form of the graph, by the names of nodes and parameters.
  ///
  /// - Complexity: O(*n*) in the number of nodes and values.
  package func changes(since earlier: Graph) -> [String] {
    func byName(_ graph: Graph) -> [String: Node] {
      Dictionary(graph.nodes.map { ($0.name, $0) }) { first, _ in first }
    }
    func parameters(_ graph: Graph) -> [String: Shape] {
      Dictionary(graph.parameters.map { (graph[$0].name, graph[$0].shape) }) { first, _ in first }
    }
    let (before, after) = (byName(earlier), byName(self))
    let (shapesBefore, shapesAfter) = (parameters(earlier), parameters(self))
    let changed = nodes.filter { node in
      guard let old = before[node.name] else { return false }
      return AnyHashable(old.operation) != AnyHashable(node.operation)
        || old.inputs.map { earlier[$0].name } != node.inputs.map { self[$0].name }
    }
    let common = nodes.filter { before[$0.name] != nil }.map(\.name)
    let order = earlier.nodes.filter { after[$0.name] != nil }.map(\.name)
    let sizes = inputs.compactMap { input in
      let old = earlier.inputs.first { earlier[$0].name == self[input].name }
      return old.flatMap { earlier[$0].shape == self[input].shape ? nil : described(input) }
    }
    let reshaped = shapesAfter.filter { name, shape in
      shapesBefore[name].map { $0 != shape } ?? false
    }.keys.sorted()
    let parts: [(String, [String])] = [
      ("removes", earlier.nodes.filter { after[$0.name] == nil }.map(\.name)),
      ("adds", nodes.filter { before[$0.name] == nil }.map(\.name)),
      ("changes", changed.map(\.name)),
      ("moves nodes", common == order ? [] : zip(common, order).filter { $0 != $1 }.map(\.0)),
      ("resizes inputs", sizes),
      ("drops parameters", shapesBefore.keys.filter { shapesAfter[$0] == nil }.sorted()),
      ("adds parameters", shapesAfter.keys.filter { shapesBefore[$0] == nil }.sorted()),
      ("gives parameters another shape", reshaped),
    ]
    return parts.filter { !$0.1.isEmpty }.map { what, names in
      let listed = names.prefix(3).joined(separator: ", ")
      return names.count > 3 ? "\(what) \(names.count): \(listed), …" : "\(what) \(listed)"
    }
  }
}
