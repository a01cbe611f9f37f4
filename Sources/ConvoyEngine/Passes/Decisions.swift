import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

extension Compiler {
  /// The decisions so far, each a part of a sentence.
  var decisions: [String] {
    var said: [String] = []
    let functions = scheduled.count { $0.function != nil }
    let residuals = scheduled.count { $0.residual != nil }
    if functions > 0 { said.append("functions in epilogues: \(functions)") }
    if residuals > 0 { said.append("residual sums in epilogues: \(residuals)") }
    guard let layouts = layoutsIfChosen else { return said }
    said += layouts.decisions
    guard !program.steps.isEmpty else { return said }
    let reorders = program.steps.count { $0.name.hasPrefix("reorder ") }
    said.append("steps: \(program.steps.count), of which \(reorders) reorder a value")
    said.append("steps run once, while compiling: \(program.preparations.count)")
    guard arenaByteCount > 0 else { return said }
    let sizes = program.buffers.filter { $0.base == .arena && $0.original == nil }.map(\.byteCount)
    said.append(
      "arena: \(arenaByteCount >> 10) KiB, for buffers of "
        + "\(sizes.reduce(0, +) >> 10) KiB together")
    guard let kernels else { return said }
    let counts = Dictionary(grouping: kernels, by: \.self).mapValues(\.count)
    said += counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($1) × \($0)" }
    return said
  }

  /// The state after a compiling pass, as readable text.
  func text(after pass: String) -> String {
    var lines: [String] = []
    switch pass {
    case "epilogues":
      for node in scheduled {
        var line = node.outputs.map { graph[$0].name }.joined(separator: ", ")
        line += " = \(node.node.name)"
        if let residual = node.residual { line += " + \(graph[residual].name)" }
        if let function = node.function { line += ", then \(function)" }
        lines.append(line)
      }
    case "layouts": lines = layouts.text(in: graph)
    case "lowering":
      lines = program.steps.map { step in
        "\(step.name): reads \(step.reads.map(\.index)), writes \(step.writes.map(\.index))"
      }
    case "memory":
      for (index, buffer) in program.buffers.enumerated() {
        let place = buffer.offset.map { " at \($0)" } ?? ""
        lines.append("\(index): \(buffer.byteCount) bytes in \(buffer.base)\(place)")
      }
    default:
      lines = zip(program.steps, kernels ?? []).map { step, kernel in
        "\(step.name): " + (step.decision.map { "\($0)" } ?? kernel)
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension LayoutPass {
  /// The decisions, each a part of a sentence.
  fileprivate var decisions: [String] {
    let made = kinds.compactMap(\.self)
    let views = choices.count { $0.view != nil }
    var said = [
      "values in planes: \(made.count { $0 == .planes }), row-major: \(made.count { $0 == .dense })"
    ]
    if views > 0 { said.append("views, which copy nothing: \(views)") }
    if !preferredOrders.isEmpty {
      let given = preferredOrders.count { orders[$0.key] == $0.value }
      said.append("preferred channel orders: \(preferredOrders.count), given: \(given)")
    }
    return said
  }

  /// A line for each value that has a layout.
  fileprivate func text(in graph: Graph) -> [String] {
    graph.valueIDs.compactMap { id in
      guard let kind = kinds[id.index] else { return nil }
      var line = "\(graph[id].name): \(kind)"
      if kind == .planes, let order = orders[id] {
        line += " of \(order.planeCount)"
        if order != ChannelOrder(identity: graph[id].shape[1]) { line += ", reordered" }
      }
      let halo = halo(id)
      if halo != .none { line += ", halo before \(halo.before), after \(halo.after)" }
      return line
    }
  }
}
