import ConvoyTensors

/// Why a node or tensor cannot be imported, as a clause: whoever knows where it stands adds that.
struct Refusal: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

/// The nodes that cannot be imported, to be told all at once.
struct Refusals {
  private var nodesByOperator: [String: [String]] = [:]
  private var reasons: [String] = []

  var isEmpty: Bool { nodesByOperator.isEmpty && reasons.isEmpty }

  /// Notes an operator that is not known at all.
  mutating func append(operator type: String, node: String) {
    nodesByOperator[type, default: []].append("‘\(node)’")
  }

  /// Notes a node whose operator is known, but not all that it asks for.
  mutating func append(_ refusal: Refusal, operator type: String, node: String) {
    reasons.append("\(type) ‘\(node)’ (\(refusal.reason))")
  }

  /// All of them, in one sentence.
  func error(source: String) -> ConvoyError {
    let unknown = nodesByOperator.sorted { $0.key < $1.key }.map { type, nodes in
      "the operator \(type) (\(nodes.count == 1 ? "node" : "nodes") \(Refusals.listed(nodes, ", ")))"
    }
    return ConvoyError(
      .format,
      "\(source) uses what Convoy does not support: \(Refusals.listed(unknown + reasons, "; ")).")
  }

  /// The first of some parts, and how many more there are.
  private static func listed(_ parts: [String], _ separator: String) -> String {
    let shown = parts.prefix(12).joined(separator: separator)
    return parts.count <= 12 ? shown : "\(shown)\(separator)and \(parts.count - 12) more"
  }
}
