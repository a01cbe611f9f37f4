import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors

extension Importer {
  /// What made a value, if a node did.
  func maker(of value: Value) -> Graph.Node? {
    while indexedNodes < builder.graph.nodes.count {
      for output in builder.graph.nodes[indexedNodes].outputs { makers[output] = indexedNodes }
      indexedNodes += 1
    }
    return makers[value.id].map { builder.graph.nodes[$0] }
  }

  /// What a node makes, evaluated if all it reads is known and the work is little.
  func evaluated(_ made: [Imported], of site: ImportSite) -> [Imported] {
    guard builder.failure == nil, !site.inputs.isEmpty,
      site.inputs.allSatisfy({ if case .computed? = $0 { false } else { true } })
    else { return made }
    return made.map { imported in
      guard case .computed(let value) = imported, let tensor = evaluated(value) else {
        return imported
      }
      return .constant(ConstantTensor(tensor))
    }
  }

  /// A value that follows from constants by few nodes of little work.
  private func evaluated(_ value: Value) -> Tensor? {
    guard let origin = origin(of: value, atMost: 16), origin.inputs.isEmpty else { return nil }
    let graph = builder.graph
    var effort = 0
    for node in origin.nodes {
      let (inputs, outputs) = graph.shapes(of: node)
      let work = graph.cost(of: node).multiplyAdds
      guard graph.traits(of: node).hasBoundedReference, work <= Self.largestEvaluation,
        (inputs + outputs).allSatisfy({ $0.elementCount <= Self.largestEvaluation })
      else { return nil }
      // A sum of many numbers makes but one: what counts is the work.
      effort += (inputs + outputs).reduce(work) { $0 + $1.elementCount }
    }
    guard effort <= budget else { return nil }
    budget -= effort
    var tensors: [ValueID: Tensor] = [:]
    func tensor(_ id: ValueID) -> Tensor? {
      if case .constant(let tensor) = graph[id].origin {
        tensor
      } else {
        tensors[id] ?? parameter(id)
      }
    }
    for node in origin.nodes {
      let inputs = node.inputs.compactMap(tensor)
      guard inputs.count == node.inputs.count else { return nil }
      for (id, made) in zip(node.outputs, graph.evaluated(node, inputs)) { tensors[id] = made }
    }
    return tensor(value.id)
  }

  private static let largestEvaluation = 1 << 16

  /// The numbers of what must be known.
  func constant(of imported: Imported, as what: String) throws(ConvoyError) -> ConstantTensor {
    switch imported {
    case .constant(let constant): constant
    case .computed(let value): try known(value, as: what)
    }
  }

  /// The numbers of a value that must be known, computed by a plan of its own.
  ///
  /// - Throws: a refusal where they follow from inputs of the model whose numbers are not known; these are
  ///   noted in `needed`.
  private func known(_ value: Value, as what: String) throws(ConvoyError) -> ConstantTensor {
    guard builder.failure == nil, let origin = origin(of: value, atMost: .max) else {
      throw .refused("\(what) is computed, but must be known while reading")
    }
    guard origin.inputs.isEmpty else {
      needed.formUnion(origin.inputs)
      let names = origin.inputs.sorted().map { "‘\($0)’" }.joined(separator: ", ")
      throw .refused(
        "\(what) follows from the numbers of \(names), which must be given for that")
    }
    let part = GraphBuilder()
    var values: [ValueID: Value] = [:]
    for node in origin.nodes {
      let inputs = node.inputs.map { id in
        if let value = values[id] { return value }
        let tensor: Tensor? =
          if case .constant(let tensor) = builder.graph[id].origin { tensor } else { parameter(id) }
        let value = part.constant(tensor ?? Tensor(zeros: [1], type: .float32))
        values[id] = value
        return value
      }
      let made = part.apply(node.operation, to: inputs, outputCount: node.outputs.count)
      for (id, output) in zip(node.outputs, made) { values[id] = output }
    }
    guard let result = values[value.id] else {
      throw .refused("\(what) is computed, but must be known while reading")
    }
    part.output("known", result)
    let plan = try part.finish().compiled(parameters: [:])
    guard let tensor = try plan.run(named: [:])["known"] else {
      throw .refused("\(what) is computed, but must be known while reading")
    }
    return ConstantTensor(tensor)
  }

  private func parameter(_ id: ValueID) -> Tensor? {
    let info = builder.graph[id]
    if case .parameter = info.origin { return parameters[info.name] } else { return nil }
  }

  /// What a value is computed of: nodes in their order, and inputs of the model. Nil if there are more nodes
  /// than a limit.
  private func origin(
    of value: Value, atMost limit: Int
  ) -> (nodes: [Graph.Node], inputs: Set<String>)? {
    _ = maker(of: value)
    var (found, inputs) = (Set<Int>(), Set<String>())
    var open = [value.id]
    while let id = open.popLast() {
      if case .input = builder.graph[id].origin { inputs.insert(builder.graph[id].name) }
      guard let node = makers[id], found.insert(node).inserted else { continue }
      guard found.count <= limit else { return nil }
      open += builder.graph.nodes[node].inputs
    }
    return (found.sorted().map { builder.graph.nodes[$0] }, inputs)
  }
}
