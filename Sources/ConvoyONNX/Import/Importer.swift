import ConvoyGraphs
import ConvoyTensors

/// Builds a graph from a model, node by node.
final class Importer {
  let builder = GraphBuilder()
  let opset: Int
  /// How many more numbers may be made by evaluating constants: a few for each byte of the model, so
  /// that a small file cannot ask for much memory. Cuts that a constant lists count too.
  private(set) var budget: Int
  private var known: [String: Imported] = [:]
  private var readers: [String: Int] = [:]
  private(set) var parameters: [String: Tensor] = [:]
  /// Names that initialisers have and no parameter yet.
  private var reserved: Set<String> = []
  private var constants: [String: Value] = [:]
  private var makers: [ValueID: Int] = [:]
  private var indexedNodes = 0
  private var refusals = Refusals()
  /// What nodes that are refused would make: their readers are passed over.
  private var missing: Set<String> = []
  private let source: String

  /// - Parameters:
  ///   - source: what the model is called in messages.
  ///   - byteCount: the model's size.
  init(opset: Int, source: String, byteCount: Int) {
    self.opset = opset
    self.source = source
    budget = 1 << 20 + min(byteCount, ONNXModel.largestFile) * 4
  }

  // MARK: The model

  func read(
    _ graph: Onnx_GraphProto, _ options: ImportOptions, _ externalData: ExternalData?,
    _ rest: ModelFile?
  ) throws(ConvoyError) -> Model {
    guard graph.sparseInitializer.isEmpty else {
      throw failure("it has sparse initialisers, which Convoy does not support")
    }
    for (index, tensor) in graph.initializer.enumerated() {
      let data = rest.flatMap { rest in
        rest.data[index].map { DataInFile(file: rest.file, part: $0) }
      }
      do throws(ConvoyError) {
        known[tensor.name] = .constant(
          try ConstantTensor(
            tensor, source: tensor.name, externalData: externalData, data: data))
      } catch  where error.kind == .unsupported {
        throw failure("the initialiser ‘\(tensor.name)’ cannot be read: \(error.message)")
      }
      reserved.insert(builder.reserveName(tensor.name))
    }
    try declareInputs(graph, options)
    for output in graph.output { readers[output.name, default: 0] += 1 }
    for name in graph.node.lazy.flatMap(\.input) { readers[name, default: 0] += 1 }
    for node in graph.node { try read(node, externalData) }
    if !refusals.isEmpty { throw refusals.error(source: source) }
    for output in graph.output {
      guard let value = known[output.name] else {
        throw failure("nothing makes its output ‘\(output.name)’")
      }
      do throws(ConvoyError) {
        builder.output(output.name, try built(value))
      } catch {
        throw failure("its output ‘\(output.name)’ cannot be kept: \(error.message)")
      }
    }
    guard !graph.output.isEmpty else { throw failure("it has no outputs") }
    do throws(ConvoyError) {
      let built = try builder.finish().rewritten()
      let names = Set(built.parameters.map { built[$0].name })
      return try Model(built, parameters: parameters.filter { names.contains($0.key) })
    } catch {
      throw failure(error)
    }
  }

  private func declareInputs(_ graph: Onnx_GraphProto, _ options: ImportOptions) throws(ConvoyError)
  {
    // Before the fourth version of the format, initialisers were listed as inputs too.
    let inputs = graph.input.filter { known[$0.name] == nil }
    for name in options.inputShapes.keys.sorted() where !inputs.contains(where: { $0.name == name })
    {
      let names = inputs.map { "‘\($0.name)’" }.joined(separator: ", ")
      throw ConvoyError(
        .argument, "\(source) has no input ‘\(name)’ to give a shape to; its inputs are \(names).")
    }
    for input in inputs {
      let declared = try InputShape(input, options, source: source)
      known[input.name] = .computed(
        builder.input(input.name, declared.shape, type: declared.type))
    }
  }

  // MARK: Nodes

  private func read(_ node: Onnx_NodeProto, _ externalData: ExternalData?) throws(ConvoyError) {
    let name = node.name.isEmpty ? node.output.first ?? node.opType : node.name
    let isStandard = node.domain.isEmpty || node.domain == "ai.onnx"
    let type = isStandard ? node.opType : "\(node.domain).\(node.opType)"
    guard let conversion = isStandard ? Conversions.importing[type] : nil else {
      refusals.append(operator: type, node: name)
      missing.formUnion(node.output)
      return
    }
    if node.input.contains(where: missing.contains) { return missing.formUnion(node.output) }
    do throws(ConvoyError) {
      let inputs = try node.input.map { input throws(ConvoyError) -> Imported? in
        if input.isEmpty { return nil }
        guard let found = known[input] else {
          throw failure("the node ‘\(name)’ reads ‘\(input)’, which nothing makes before it")
        }
        return found
      }
      let site = ImportSite(
        importer: self, name: name, type: type, attributes: Attributes(node), inputs: inputs,
        isSoleReader: node.input.map { readers[$0] == 1 }, outputCount: node.output.count)
      var made: [Imported]
      if type == "Constant" {
        made = [.constant(try ConstantTensor(constantOf: site, externalData))]
      } else {
        made =
          if let evaluated = try evaluated(site) {
            evaluated
          } else {
            evaluatedByReference(try conversion(site), of: site)
          }
      }
      if made.count > node.output.count { made.removeLast(made.count - node.output.count) }
      for (output, value) in zip(node.output, made) where !output.isEmpty {
        known[output] = value
      }
      if let error = builder.failure { throw failure(error) }
    } catch {
      guard error.kind == .unsupported else {
        throw error.message.hasPrefix(source) ? error : failure(error.at(name))
      }
      refusals.append(error, operator: type, node: name)
      missing.formUnion(node.output)
    }
  }

  /// What a node makes of constants, if it is one that shapes are computed with.
  private func evaluated(_ site: ImportSite) throws(ConvoyError) -> [Imported]? {
    guard let evaluate = Conversions.evaluating[site.type] else { return nil }
    return try evaluate(site)?.map { .constant($0) }
  }

  /// What a node makes, evaluated if all it reads is known and the work is little.
  private func evaluatedByReference(_ made: [Imported], of site: ImportSite) -> [Imported] {
    guard builder.failure == nil, !site.inputs.isEmpty,
      site.inputs.allSatisfy({ if case .computed? = $0 { false } else { true } })
    else { return made }
    return made.map { imported in
      guard case .computed(let value) = imported, value.type == .float32,
        let tensor = evaluated(value)
      else { return imported }
      return .constant(ConstantTensor(tensor.shape.dimensions, .floats(tensor.elements)))
    }
  }

  /// A value that follows from constants by few nodes of little work, by the operators' references.
  private func evaluated(_ value: Value) -> Tensor? {
    var needed: [Graph.Node] = []
    var effort = 0
    var open = [value.id]
    var tensors: [ValueID: ReferenceTensor] = [:]
    while let id = open.popLast() {
      if tensors[id] != nil || needed.contains(where: { $0.outputs.contains(id) }) { continue }
      if case .constant(let tensor) = builder.graph[id].origin {
        guard tensor.shape.elementCount <= Self.largestEvaluation else { return nil }
        tensors[id] = ReferenceTensor(tensor)
      } else {
        guard let node = maker(of: builder.value(id)), needed.count < 16 else { return nil }
        let (inputs, outputs) = builder.graph.shapes(of: node)
        let work = builder.graph.cost(of: node).multiplyAdds
        guard builder.graph.traits(of: node).hasBoundedReference, work <= Self.largestEvaluation,
          (inputs + outputs).allSatisfy({ $0.elementCount <= Self.largestEvaluation })
        else { return nil }
        needed.append(node)
        open += node.inputs
        effort += (inputs + outputs).reduce(work) { $0 + $1.elementCount }
      }
    }
    // A sum of many numbers makes but one: what counts is the work.
    guard effort <= budget else { return nil }
    budget -= effort
    // A node's number grows with its place in the graph, and so does that of what it makes.
    for node in needed.sorted(by: { $0.outputs[0].index < $1.outputs[0].index }) {
      let inputs = node.inputs.compactMap { tensors[$0] }
      let outputs = node.outputs.map { builder.graph[$0].shape }
      for (id, made) in zip(node.outputs, node.operation.reference(inputs, outputs: outputs)) {
        tensors[id] = made
      }
    }
    return tensors[value.id].flatMap { try? Tensor($0.shape, $0.elements.map { Float($0) }) }
  }

  private static let largestEvaluation = 1 << 16

  // MARK: Numbers

  /// Takes a number of elements off what may still be made, before they are made.
  func spend(_ count: Int) throws(ConvoyError) {
    guard count <= budget else {
      throw ConvoyError(
        .format,
        "\(source) cannot be imported: what it makes of constants would grow far beyond the model's size."
      )
    }
    budget -= count
  }

  /// A value of the graph.
  func built(_ imported: Imported) throws(ConvoyError) -> Value {
    switch imported {
    case .computed(let value): value
    case .constant(let constant): try self.constant(constant)
    }
  }

  /// A constant of the graph.
  func constant(_ constant: ConstantTensor) throws(ConvoyError) -> Value {
    let tensor = try constant.tensor()
    guard let source = constant.source else { return builder.constant(tensor) }
    if let value = constants[source], value.shape == tensor.shape,
      builder.graph[value.id].origin == .constant(tensor)
    {
      return value
    }
    let value = builder.constant(tensor, name: source + ".constant")
    constants[source] = value
    return value
  }

  /// A parameter of the model, under the name of the initialiser its numbers come from if that has not
  /// been taken for others.
  func parameter(_ constant: ConstantTensor, isTrainable: Bool) throws(ConvoyError) -> Value {
    let tensor = try constant.tensor()
    let wanted = constant.source ?? "weights"
    var name = wanted
    if let taken = parameters[wanted], taken == tensor {
      let value = builder.graph.value(named: wanted).map { builder.value($0) }
      if let value { return value }
    }
    if reserved.remove(wanted) == nil { name = builder.reserveName(wanted) }
    parameters[name] = tensor
    return builder.parameter(
      name, tensor.shape, Parameter(.he, isTrainable: isTrainable), unscoped: true)
  }

  // MARK: Graph

  /// What made a value, if a node did.
  func maker(of value: Value) -> Graph.Node? {
    while indexedNodes < builder.graph.nodes.count {
      for output in builder.graph.nodes[indexedNodes].outputs { makers[output] = indexedNodes }
      indexedNodes += 1
    }
    return makers[value.id].map { builder.graph.nodes[$0] }
  }

  private func failure(_ reason: String) -> ConvoyError {
    ConvoyError(.format, "\(source) cannot be imported: \(reason).")
  }

  private func failure(_ error: ConvoyError) -> ConvoyError {
    ConvoyError(
      error.kind,
      "\(source) cannot be imported: \(error.message)\(error.message.hasSuffix(".") ? "" : ".")")
  }
}
