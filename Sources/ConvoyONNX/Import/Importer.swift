import ConvoyGraphs
import ConvoyTensors

/// Builds a graph from a model, node by node, for inputs of known shapes.
final class Importer {
  let document: ModelDocument
  let builder = GraphBuilder()
  /// The model's inputs whose numbers something must know that is not told them.
  var needed: Set<String> = []
  /// How many more numbers may be made by evaluating constants: a few for each byte of the model, so
  /// that a small file cannot ask for much memory. Cuts that a constant lists count too.
  var budget: Int
  /// How many more numbers may be one number repeated, which a file of any size can ask for.
  private var fillBudget = 1 << 29
  var makers: [ValueID: Int] = [:]
  var indexedNodes = 0
  private(set) var parameters: [String: Tensor] = [:]
  /// Names that initialisers have and no parameter yet.
  private var reserved: Set<String> = []
  private var constants: [String: Value] = [:]
  private var refusals = Refusals()
  /// How many graphs and functions are open within one another.
  private var depth = 0
  private var source: String { document.source }

  init(_ document: ModelDocument) {
    self.document = document
    budget = 1 << 20 + min(document.byteCount, ONNXModel.largestFile) * 4
  }

  // MARK: The model

  /// - Parameters:
  ///   - shapes: the shapes of the inputs.
  ///   - constants: inputs whose numbers are known. They remain inputs of the graph, which reads them no
  ///     longer.
  func read(_ shapes: InputShapes, constants: [String: Tensor]) throws(ConvoyError) -> Model {
    let graph = document.graph
    let scope = Scope(opsets: document.opsets)
    for (name, constant) in document.initializers {
      scope.define(name, .constant(constant))
      reserved.insert(builder.reserveName(name))
    }
    try declareInputs(shapes, constants, in: scope)
    scope.countReaders(graph.node, outputs: graph.output.map(\.name))
    try run(graph.node, in: scope)
    if !refusals.isEmpty { throw refusals.error(source: source) }
    guard !graph.output.isEmpty else { throw failure("it has no outputs") }
    for output in graph.output { try declare(output: ONNXModel.Declaration(output), in: scope) }
    do throws(ConvoyError) {
      let built = try builder.finish().rewritten()
      let names = Set(built.parameters.map { built[$0].name })
      return try Model(built, parameters: parameters.filter { names.contains($0.key) })
    } catch {
      throw failure(error)
    }
  }

  private func declareInputs(
    _ shapes: InputShapes, _ constants: [String: Tensor], in scope: Scope
  ) throws(ConvoyError) {
    for input in document.inputs {
      guard !scope.defines(input.name) else {
        throw failure("it has two inputs named ‘\(input.name)’")
      }
      guard let type = input.type else {
        throw failure("its input ‘\(input.name)’ is not a tensor of numbers")
      }
      let value = builder.input(input.name, try shapes[input], type: type)
      if let numbers = constants[input.name] {
        budget += numbers.shape.elementCount
        scope.define(input.name, .constant(ConstantTensor(numbers.converted(to: type))))
      } else {
        scope.define(input.name, .computed(value.cast(to: type.held)))
      }
    }
  }

  private func declare(
    output declaration: ONNXModel.Declaration, in scope: Scope
  ) throws(ConvoyError) {
    let name = declaration.name
    guard let value = scope[name] else { throw failure("nothing makes its output ‘\(name)’") }
    do throws(ConvoyError) {
      let value = try built(value)
      let type = declaration.type ?? value.type
      guard type.held == value.type else {
        throw .refused("it is declared as \(type), but is computed as \(value.type)")
      }
      builder.output(name, value.cast(to: type))
    } catch {
      throw failure("its output ‘\(name)’ cannot be kept: \(error.message)")
    }
  }

  // MARK: Nodes

  /// Reads nodes one after the other.
  private func run(_ nodes: [Onnx_NodeProto], in scope: Scope) throws(ConvoyError) {
    guard depth < Self.greatestDepth else {
      throw failure("its graphs and functions lie more than \(Self.greatestDepth) deep")
    }
    depth += 1
    defer { depth -= 1 }
    for node in nodes { try read(node, in: scope) }
  }

  private static let greatestDepth = 32

  private func read(_ node: Onnx_NodeProto, in scope: Scope) throws(ConvoyError) {
    let name = node.name.isEmpty ? node.output.first ?? node.opType : node.name
    let domain = ModelDocument.standardized(node.domain)
    let type = domain.isEmpty ? node.opType : "\(domain).\(node.opType)"
    for output in node.output where !output.isEmpty && scope.defines(output) {
      throw failure("‘\(output)’ is made twice, the second time by the node ‘\(name)’")
    }
    let isKnown = Conversions.importing[type] != nil || document.function(of: node) != nil
    guard isKnown || Conversions.evaluating[type] != nil else {
      refusals.append(operator: type, node: name)
      return scope.markMissing(node.output)
    }
    if node.input.contains(where: scope.isMissing) { return scope.markMissing(node.output) }
    do throws(ConvoyError) {
      let inputs = try node.input.map { input throws(ConvoyError) -> Imported? in
        if input.isEmpty || scope.isAbsent(input) { return nil }
        guard let found = scope[input] else {
          throw failure("the node ‘\(name)’ reads ‘\(input)’, which nothing makes before it")
        }
        return found
      }
      let site = ImportSite(
        importer: self, scope: scope, name: name, type: type, domain: domain,
        attributes: Attributes(node, in: scope), inputs: inputs,
        isSoleReader: node.input.map { scope.readerCount($0) == 1 }, outputs: node.output)
      try site.checkRowCounts()
      let made = try made(by: node, at: site)
      if let error = builder.failure { throw failure(error) }
      try define(made, at: site)
    } catch {
      guard error.kind == .unsupported else {
        throw error.message.hasPrefix(source) ? error : failure(error.at(name))
      }
      if error != .passedOver { refusals.append(error, operator: type, node: name) }
      scope.markMissing(node.output.filter { !scope.defines($0) })
    }
  }

  /// What a node makes.
  private func made(
    by node: Onnx_NodeProto, at site: ImportSite
  ) throws(ConvoyError) -> [Imported] {
    if let evaluate = Conversions.evaluating[site.type], let constants = try evaluate(site) {
      return constants.map { .constant($0) }
    }
    if let conversion = Conversions.importing[site.type] {
      return evaluated(try conversion(site), of: site)
    }
    guard let function = document.function(of: node) else {
      throw .refused("it is supported only where all it reads is known while reading")
    }
    return try inlined(function, at: site)
  }

  /// Names what a node makes. An output that is read but not made is refused.
  private func define(_ made: [Imported], at site: ImportSite) throws(ConvoyError) {
    for (output, value) in zip(site.outputs, made) where !output.isEmpty {
      site.scope.define(output, value)
    }
    for (index, output) in site.outputs.enumerated().dropFirst(made.count)
    where site.scope.readerCount(output) > 0 {
      throw .refused("its output \(index + 1), ‘\(output)’, is not supported")
    }
  }

  // MARK: Graphs and functions within the model

  /// What a graph within a node makes of its inputs; it can also read the names around the node.
  func run(
    _ graph: Onnx_GraphProto, _ inputs: [Imported], at site: ImportSite
  ) throws(ConvoyError) -> [Imported] {
    let scope = Scope(in: site.scope)
    for tensor in graph.initializer {
      scope.define(
        tensor.name,
        .constant(
          try ConstantTensor(
            tensor, source: tensor.name, externalData: document.externalData)))
    }
    guard graph.input.count == inputs.count else {
      throw .refused("a graph of \(inputs.count) inputs is expected, got \(graph.input.count)")
    }
    for (declared, input) in zip(graph.input, inputs) { scope.define(declared.name, input) }
    let outputs = graph.output.map(\.name)
    scope.countReaders(graph.node, outputs: outputs)
    try spend(64 * graph.node.count)
    try run(graph.node, in: scope)
    return try results(outputs, of: scope)
  }

  /// What a function of the model makes of a node's inputs.
  private func inlined(
    _ function: Onnx_FunctionProto, at site: ImportSite
  ) throws(ConvoyError) -> [Imported] {
    var attributes = Dictionary(
      function.attributeProto.map { ($0.name, $0) }
    ) { first, _ in first }
    attributes.merge(site.attributes.all) { $1 }
    var opsets = try ModelDocument.opsets(function.opsetImport, source: source)
    opsets.merge(document.opsets) { own, _ in own }
    let scope = Scope(opsets: opsets, attributes: attributes)
    for (index, name) in function.input.enumerated() {
      if site.has(index) {
        scope.define(name, try site.input(index))
      } else {
        scope.markAbsent(name)
      }
    }
    scope.countReaders(function.node, outputs: function.output)
    try spend(64 * function.node.count)
    try run(function.node, in: scope)
    return try results(function.output, of: scope)
  }

  private func results(_ names: [String], of scope: Scope) throws(ConvoyError) -> [Imported] {
    try names.map { name throws(ConvoyError) in
      guard !scope.isMissing(name) else { throw .passedOver }
      guard let value = scope[name] else { throw failure("nothing makes ‘\(name)’") }
      return value
    }
  }

  // MARK: Numbers

  /// Takes a number of elements off what may still be made, before they are made.
  func spend(_ count: Int) throws(ConvoyError) {
    guard count <= budget else {
      throw failure("what it makes of constants would grow far beyond the model's size")
    }
    budget -= count
  }

  /// Takes a number of elements off what may still be one number repeated.
  func spendFill(_ count: Int) throws(ConvoyError) {
    guard count <= fillBudget else {
      throw failure("what it makes of constants would grow far beyond the model's size")
    }
    fillBudget -= count
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
  /// been taken for others; a constant where the numbers are no floats.
  func parameter(_ constant: ConstantTensor, isTrainable: Bool) throws(ConvoyError) -> Value {
    guard constant.type.isFloating else { return try self.constant(constant) }
    let tensor = try constant.tensor()
    let wanted = constant.source ?? "weights"
    var name = wanted
    if constant.source != nil, let taken = parameters[wanted], taken == tensor {
      let value = builder.graph.value(named: wanted).map { builder.value($0) }
      if let value { return value }
    }
    if reserved.remove(wanted) == nil { name = builder.reserveName(wanted) }
    parameters[name] = tensor
    return builder.parameter(
      name, tensor.shape, Parameter(.he, isTrainable: isTrainable), unscoped: true)
  }

  // MARK: Errors

  func failure(_ reason: String) -> ConvoyError {
    ConvoyError(.format, "\(source) cannot be imported: \(reason).")
  }

  private func failure(_ error: ConvoyError) -> ConvoyError {
    ConvoyError(
      error.kind,
      "\(source) cannot be imported: \(error.message)\(error.message.hasSuffix(".") ? "" : ".")")
  }
}
