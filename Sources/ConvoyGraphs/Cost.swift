public import ConvoyTensors

/// The cost of one node of a graph.
public struct LayerCost: Hashable, Sendable, Codable {
  /// The node's name.
  public let name: String
  /// The operator's name.
  public let operatorName: String
  /// A short description of the operator: `3×3 g32`.
  public let label: String
  /// The extents of its first output, batch first.
  public let outputShape: Shape
  /// The groups of a convolution; nil for other operators.
  public let groups: Int?
  /// Parameters first used here, multiply-adds, bytes.
  public let cost: Cost
}

extension Graph {
  /// The cost of each node, in the graph's order.
  ///
  /// Trainable parameters are counted where they are first used, so that the sum over the layers
  /// counts each once.
  public func layerCosts() -> [LayerCost] {
    var isCounted = Array(repeating: false, count: values.count)
    return nodes.map { node in
      var cost = cost(of: node)
      for id in node.inputs where isTrainable(id) && !isCounted[id.index] {
        isCounted[id.index] = true
        cost.parameters += self[id].shape.elementCount
      }
      return LayerCost(
        name: node.name, operatorName: type(of: node.operation).name,
        label: node.operation.glyph.label,
        outputShape: node.outputs.first.map { self[$0].shape } ?? [],
        groups: traits(of: node).groups, cost: cost)
    }
  }

  /// The cost of one run of the whole graph; the parameters are those of `layerCosts()`.
  public var cost: Cost { layerCosts().reduce(Cost()) { $0 + $1.cost } }

  private func isTrainable(_ id: ValueID) -> Bool {
    if case .parameter(let parameter) = self[id].origin { parameter.isTrainable } else { false }
  }
}

// MARK: - NetworkCost

/// The cost of a network, layer by layer; its description is a table.
public struct NetworkCost: Hashable, Sendable, Codable {
  /// The layers, in the network's order.
  public let layers: [LayerCost]
  /// The layers' sum.
  public let total: Cost

  /// Counts what a graph costs.
  public init(_ graph: Graph) {
    layers = graph.layerCosts()
    total = layers.reduce(Cost()) { $0 + $1.cost }
  }
}

extension Network {
  /// The cost of one image, layer by layer; `print(network.cost)` prints it as a table.
  public var cost: NetworkCost { NetworkCost(graph) }
}

extension NetworkCost: CustomStringConvertible {
  /// The conventions of counting, in three sentences.
  public static let convention = """
    Parameters are trained numbers, each counted once, where it is first used.
    A multiply-add is a multiplication and the addition that follows it, counted in convolutions
    and fully-connected layers only. Bytes are those of inputs, parameters and outputs, each read
    or written once.
    """

  /// A table of the layers and their sum, followed by the conventions of counting.
  public var description: String {
    let header = ["layer", "", "output", "parameters", "multiply-adds", "bytes"]
    let sum = ["total", "", ""] + Self.numbers(total)
    let rows = layers.map { layer in
      [layer.name, layer.label, layer.outputShape.description] + Self.numbers(layer.cost)
    }
    let widths = header.indices.map { column in
      ([header, sum] + rows).reduce(0) { max($0, $1[column].count) }
    }
    func line(_ cells: [String]) -> String {
      let padded = cells.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column < 3 ? cell + space : space + cell
      }
      return padded.joined(separator: "  ")
    }
    let rule = String(repeating: "─", count: line(header).count)
    return ([line(header), rule] + rows.map(line) + [rule, line(sum), "", Self.convention])
      .joined(separator: "\n")
  }

  private static func numbers(_ cost: Cost) -> [String] {
    [cost.parameters, cost.multiplyAdds, cost.bytes].map(grouped)
  }

  /// `1,234,567`.
  private static func grouped(_ number: Int) -> String {
    var text = ""
    for (i, digit) in String(number).reversed().enumerated() {
      if i > 0, i % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return String(text.reversed())
  }
}
