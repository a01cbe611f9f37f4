import ConvoyTensors

extension ConvoyError {
  /// Why a node or tensor cannot be imported, as a clause: the importer adds where it is, and reports all
  /// refused nodes in one error.
  static func refused(_ clause: String) -> ConvoyError { ConvoyError(.unsupported, clause) }

  /// A node whose graph has nodes that are refused, which are reported by themselves.
  static let passedOver = ConvoyError.refused("")
}

/// The nodes that cannot be imported, reported in one error.
struct Refusals {
  /// Some parts of the sentence: as many as are reported, and how many there were.
  private struct Parts {
    var told: [String] = []
    var count = 0

    mutating func append(_ part: @autoclosure () -> String) {
      if told.count < 12 { told.append(part()) }
      count += 1
    }

    func joined(_ separator: String) -> String {
      let text = told.joined(separator: separator)
      return count == told.count ? text : "\(text)\(separator)and \(count - told.count) more"
    }
  }

  private var nodesByOperator: [String: Parts] = [:]
  private var reasons = Parts()

  var isEmpty: Bool { nodesByOperator.isEmpty && reasons.count == 0 }

  /// Notes an operator that is not known at all.
  mutating func append(operator type: String, node: String) {
    nodesByOperator[type, default: Parts()].append("‘\(node)’")
  }

  /// Notes a node whose operator is known, but not all that it asks for.
  mutating func append(_ refusal: ConvoyError, operator type: String, node: String) {
    reasons.append("\(type) ‘\(node)’ (\(refusal.message))")
  }

  /// All of them, in one sentence.
  func error(source: String) -> ConvoyError {
    var parts = Parts()
    for (type, nodes) in nodesByOperator.sorted(by: { $0.key < $1.key }) {
      let noun = nodes.count == 1 ? "node" : "nodes"
      parts.append("the operator \(type) (\(noun) \(nodes.joined(", ")))")
    }
    for reason in reasons.told { parts.append(reason) }
    parts.count += reasons.count - reasons.told.count
    return ConvoyError(
      .unsupported, "\(source) uses what Convoy does not support: \(parts.joined("; ")).")
  }
}
