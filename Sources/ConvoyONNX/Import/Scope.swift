import ConvoyTensors

/// The names that the nodes of a graph or a function can read.
final class Scope {
  /// The graph around this one, whose names can be read too; nil for the model's graph and for functions.
  let parent: Scope?
  /// The versions of the operators' sets, by domain; the standard's is empty.
  let opsets: [String: Int]
  /// What a function's attributes stand for.
  let attributes: [String: Onnx_AttributeProto]

  private var known: [String: Imported] = [:]
  /// What nodes that are refused would make: their readers are passed over.
  private var missing: Set<String> = []
  /// Inputs of a function that its call leaves out.
  private var absent: Set<String> = []
  /// How many nodes and outputs read a name.
  private var readers: [String: Int] = [:]

  /// The scope of a model's graph or of a function.
  init(opsets: [String: Int], attributes: [String: Onnx_AttributeProto] = [:]) {
    (parent, self.opsets, self.attributes) = (nil, opsets, attributes)
  }

  /// The scope of a graph within another.
  init(in parent: Scope) {
    (self.parent, opsets, attributes) = (parent, parent.opsets, parent.attributes)
  }

  /// What is known of a name here or around; nil if nothing has made it so far.
  subscript(name: String) -> Imported? { known[name] ?? parent?[name] }

  /// Whether a name is one of this graph, not of one around it.
  func defines(_ name: String) -> Bool { known[name] != nil || missing.contains(name) }

  func define(_ name: String, _ value: Imported) { known[name] = value }

  func isMissing(_ name: String) -> Bool {
    missing.contains(name) || known[name] == nil && parent?.isMissing(name) == true
  }

  func markMissing(_ names: [String]) { missing.formUnion(names) }

  func markAbsent(_ name: String) { absent.insert(name) }

  func isAbsent(_ name: String) -> Bool {
    absent.contains(name) || parent?.isAbsent(name) == true && known[name] == nil
  }

  /// Counts what nodes, with the graphs in them, and outputs read.
  func countReaders(_ nodes: [Onnx_NodeProto], outputs: [String]) {
    for name in outputs { readers[name, default: 0] += 1 }
    for node in nodes {
      for name in node.input { readers[name, default: 0] += 1 }
      for attribute in node.attribute where attribute.hasG {
        countReaders(attribute.g.node, outputs: attribute.g.output.map(\.name))
      }
    }
  }

  func readerCount(_ name: String) -> Int { readers[name] ?? 0 }
}
