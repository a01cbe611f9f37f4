import ConvoyGraphs
import ConvoyTensors

/// Writes a graph as ONNX, node by node.
final class Exporter {
  var graph = Onnx_GraphProto()
  /// The tensors of floats, whose numbers are put in or beside the file at the end.
  private(set) var tensors: [(name: String, tensor: Tensor)] = []
  private var names: Set<String> = []
  private var nameCounts: [String: Int] = [:]

  /// - Throws: `ConvoyError` of kind `.argument` naming every operator that ONNX has no form of.
  init(_ model: Model) throws(ConvoyError) {
    let source = model.graph
    names = Set(source.values.map(\.name) + source.nodes.map(\.name))
    graph.name = "network"
    guard source.updates.isEmpty else {
      throw ConvoyError(
        .argument, "A training step cannot be exported as ONNX; export the network it trains.")
    }
    for info in source.values {
      switch info.origin {
      case .parameter: tensors.append((info.name, model.parameters[info.name] ?? Tensor([])))
      case .constant(let tensor): tensors.append((info.name, tensor))
      case .input, .computed: continue
      }
    }
    try appendNodes(source)
    try appendEnds(source)
  }

  private func appendNodes(_ source: Graph) throws(ConvoyError) {
    var unknown: [String] = []
    for node in source.nodes {
      guard let operation = node.operation as? any Exportable else {
        unknown.append("\(type(of: node.operation).name) (‘\(node.name)’)")
        continue
      }
      let (inputs, outputs) = source.shapes(of: node)
      try operation.export(
        at: ExportSite(
          exporter: self, name: node.name, inputs: node.inputs.map { source[$0].name },
          outputs: node.outputs.map { source[$0].name }, inputShapes: inputs,
          outputShapes: outputs, inputTypes: node.inputs.map { source[$0].type }))
    }
    guard unknown.isEmpty else {
      throw ConvoyError(
        .argument,
        "ONNX has no form of these operators: \(unknown.prefix(12).joined(separator: ", ")).")
    }
  }

  /// Declares inputs and outputs, with an open batch where the graph takes any.
  private func appendEnds(_ source: Graph) throws(ConvoyError) {
    let batch = source.inputs.first.flatMap { source[$0].shape.dimensions.first } ?? 1
    let isSameBatch = source.inputs.allSatisfy { source[$0].shape.dimensions.first == batch }
    let other = isSameBatch ? try? source.resized(batch: batch + 1) : nil
    graph.input = source.inputs.map {
      Exporter.described(
        source[$0].name, source[$0].tensorType,
        open: other == nil ? [] : [0])
    }
    for (index, output) in source.outputs.enumerated() {
      let shape = source[output.value].shape
      let changed = other.map { $0[$0.outputs[index].value].shape }
      let open = shape.dimensions.indices.filter { index in
        changed.map { $0[index] != shape[index] } ?? false
      }
      graph.output.append(
        Exporter.described(
          name(of: output, source), source[output.value].tensorType, open: open))
    }
  }

  /// A value is known by one name; an output that has another is a copy.
  private func name(of output: (name: String, value: ValueID), _ source: Graph) -> String {
    let value = source[output.value].name
    if value == output.name { return value }
    let name = freeName(output.name, isGiven: !names.contains(output.name))
    append(
      "Identity", name: freeName("\(output.name).output"), inputs: [value], outputs: [name], [])
    return name
  }

  private static func described(
    _ name: String, _ value: TensorType, open: [Int]
  ) -> Onnx_ValueInfoProto {
    let shape = value.shape
    var type = Onnx_TypeProto.Tensor()
    type.elemType = Int32(value.type.onnxType.rawValue)
    type.shape.dim = shape.dimensions.indices.map { index in
      var dimension = Onnx_TensorShapeProto.Dimension()
      dimension.value =
        open.contains(index)
        ? .dimParam(index == 0 ? "batch" : "\(name).\(index)") : .dimValue(Int64(shape[index]))
      return dimension
    }
    var info = Onnx_ValueInfoProto()
    info.name = name
    info.type.tensorType = type
    return info
  }

  // MARK: Building

  /// Gives a value another name wherever nodes make or read it.
  func rename(_ name: String, to new: String) {
    for index in graph.node.indices {
      graph.node[index].input = graph.node[index].input.map { $0 == name ? new : $0 }
      graph.node[index].output = graph.node[index].output.map { $0 == name ? new : $0 }
    }
  }

  func append(
    _ type: String, name: String, inputs: [String], outputs: [String],
    _ attributes: [Onnx_AttributeProto]
  ) {
    var node = Onnx_NodeProto()
    (node.opType, node.name, node.input, node.output) = (type, name, inputs, outputs)
    node.attribute = attributes
    graph.node.append(node)
  }

  /// A name that nothing else has.
  func freeName(_ wanted: String, isGiven: Bool = false) -> String {
    var name = wanted
    while !names.insert(name).inserted && !isGiven {
      nameCounts[wanted, default: 1] += 1
      name = "\(wanted)_\(nameCounts[wanted, default: 2])"
    }
    return name
  }

  func constant(_ tensor: Tensor, name: String) -> String {
    let name = freeName(name)
    tensors.append((name, tensor))
    return name
  }

  func integers(_ integers: [Int], name: String) -> String {
    var tensor = Onnx_TensorProto()
    tensor.name = freeName(name)
    tensor.dims = [Int64(integers.count)]
    tensor.dataType = Int32(Onnx_TensorProto.DataType.int64.rawValue)
    tensor.int64Data = integers.map { Int64($0) }
    graph.initializer.append(tensor)
    return tensor.name
  }
}
