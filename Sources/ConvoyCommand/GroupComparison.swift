import Convoy

/// What a network would cost with more groups, as people and programs read it.
struct GroupComparison: Encodable {
  /// A convolution, as it is and divided.
  struct Layer: Encodable {
    var name: String
    var operatorName: String
    var groupsBefore: Int
    var groupsAfter: Int
    var parametersBefore: Int
    var parametersAfter: Int
    var multiplyAddsBefore: Int
    var multiplyAddsAfter: Int
    /// Why it has not as many groups as were asked for.
    var reason: String?
    var forwardBefore: Double?
    var forwardAfter: Double?
    var trainingBefore: Double?
    var trainingAfter: Double?

    enum CodingKeys: String, CodingKey {
      case name
      case operatorName = "operator"
      case groupsBefore, groupsAfter, parametersBefore, parametersAfter
      case multiplyAddsBefore, multiplyAddsAfter, reason
      case forwardBefore = "forwardMillisecondsBefore"
      case forwardAfter = "forwardMillisecondsAfter"
      case trainingBefore = "trainingMillisecondsBefore"
      case trainingAfter = "trainingMillisecondsAfter"
    }

    init(_ layer: Regrouping.Layer) {
      name = layer.name
      operatorName = layer.before.operatorName
      groupsBefore = layer.before.groups ?? 1
      groupsAfter = layer.after.groups ?? 1
      parametersBefore = layer.before.cost.parameters
      parametersAfter = layer.after.cost.parameters
      multiplyAddsBefore = layer.before.cost.multiplyAdds
      multiplyAddsAfter = layer.after.cost.multiplyAdds
      reason = layer.refusal
    }
  }

  /// The network with one number of groups.
  struct Variant: Encodable {
    var groups: Int
    var parameters: Int
    var multiplyAdds: Int
    var bytes: Int
    /// A whole run of the network.
    var milliseconds: Double?
    var layers: [Layer]
  }

  var parameters: Int
  var multiplyAdds: Int
  var bytes: Int
  var milliseconds: Double?
  var variants: [Variant]
  /// GFLOP/s that the threads could do at most.
  var peak: Double?
  var threads: Int?
  var batch: Int?

  private enum CodingKeys: CodingKey {
    case parameters, multiplyAdds, bytes, milliseconds, variants, peak, threads, batch
  }

  /// On what it was timed.
  private var conditions: String?

  /// Counts, and times where it is said how.
  ///
  /// - Parameter only: names or parts of names of the layers to divide; empty for all.
  /// - Throws: `ConvoyError` when no convolution has such a name.
  init(of graph: Graph, groups: [Int], only: [String], measuring: CostMeasuring?)
    throws(ConvoyError)
  {
    let chosen = try Self.names(only, in: graph)
    let regroupings = try groups.map { (count) throws(ConvoyError) in
      try graph.regrouped(count) { chosen.contains($0) }
    }
    parameters = graph.cost.parameters
    multiplyAdds = graph.cost.multiplyAdds
    bytes = graph.cost.bytes
    variants = regroupings.map { regrouping in
      let cost = regrouping.graph.cost
      return Variant(
        groups: regrouping.groups, parameters: cost.parameters, multiplyAdds: cost.multiplyAdds,
        bytes: cost.bytes, layers: regrouping.layers.map { Layer($0) })
    }
    if let measuring { try measure(graph, regroupings, measuring) }
  }

  /// The convolutions whose names were asked for: an exact name, or else all that contain it.
  private static func names(_ only: [String], in graph: Graph) throws(ConvoyError) -> Set<String> {
    let all = graph.layerCosts().filter { $0.groups != nil }.map(\.name)
    guard !all.isEmpty else {
      throw ConvoyError(
        .argument, "The network has no convolution that could be divided into groups.")
    }
    guard !only.isEmpty else { return Set(all) }
    var chosen: Set<String> = []
    for text in only {
      let names = all.contains(text) ? [text] : all.filter { $0.contains(text) }
      guard !names.isEmpty else {
        throw ConvoyError(
          .argument,
          "No convolution's name contains ‘\(text)’; there are \(all.joined(separator: ", ")).")
      }
      chosen.formUnion(names)
    }
    return chosen
  }

  // MARK: Measuring

  private mutating func measure(
    _ graph: Graph, _ regroupings: [Regrouping], _ measuring: CostMeasuring
  ) throws(ConvoyError) {
    var stopwatch = LayerStopwatch(measuring)
    let total = regroupings.reduce(1) { $0 + $1.layers.count + 1 }
    var bar = ProgressBar("timing", total: total)
    var done = 0
    func advance(_ note: String) {
      bar.update(done, note)
      done += 1
    }
    advance("the network as it is")
    milliseconds = try measuring.measurement(of: graph).milliseconds
    for (index, regrouping) in regroupings.enumerated() {
      advance("\(regrouping.groups) groups")
      variants[index].milliseconds =
        regrouping.layers.contains(where: \.isChanged)
        ? try measuring.measurement(of: regrouping.graph).milliseconds : milliseconds
      let before = Dictionary(graph.nodes.map { ($0.name, $0) }) { first, _ in first }
      let after = Dictionary(regrouping.graph.nodes.map { ($0.name, $0) }) { first, _ in first }
      for position in variants[index].layers.indices {
        let name = variants[index].layers[position].name
        advance("\(regrouping.groups) groups, \(name)")
        guard let old = before[name], let new = after[name] else { continue }
        let oldTimes = try stopwatch.milliseconds(of: old, in: graph)
        let newTimes = try stopwatch.milliseconds(of: new, in: regrouping.graph)
        variants[index].layers[position].forwardBefore = oldTimes.forward
        variants[index].layers[position].trainingBefore = oldTimes.training
        variants[index].layers[position].forwardAfter = newTimes.forward
        variants[index].layers[position].trainingAfter = newTimes.training
      }
    }
    bar.clear()
    peak = stopwatch.peak
    threads = measuring.options.pool.threadCount
    batch = measuring.batch
    conditions = measuring.text
  }

  // MARK: Printing

  /// A table for each number of groups, and one that compares them.
  func print() {
    for variant in variants { print(variant) }
    let isMeasured = milliseconds != nil
    var table = TextTable(
      ["groups", "divided", "parameters", "of before", "multiply-adds", "of before"]
        + (isMeasured ? ["ms a run", "of before"] : []))
    func part(_ number: some BinaryInteger, _ whole: some BinaryInteger) -> String {
      whole == 0 ? "" : (Double(number) / Double(whole)).percent
    }
    table.append(
      ["as it is", "", parameters.grouped, "", multiplyAdds.grouped, ""]
        + (isMeasured ? [milliseconds?.text(3) ?? "", ""] : []))
    for variant in variants {
      var row = [
        "\(variant.groups)",
        "\(variant.layers.count { $0.groupsBefore != $0.groupsAfter }) of \(variant.layers.count)",
        variant.parameters.grouped, part(variant.parameters, parameters),
        variant.multiplyAdds.grouped, part(variant.multiplyAdds, multiplyAdds),
      ]
      if let time = variant.milliseconds, let before = milliseconds {
        row += [time.text(3), (time / before).percent]
      }
      table.append(row)
    }
    Console.line("The whole network, with all its layers:")
    for line in table.lines { Console.line(line) }
    Console.lines("\n\(NetworkCost.convention)")
    if let peak, let conditions {
      Console.lines(
        """
        Layers are timed by themselves: fw is forward, tr is forward with the gradients of image and \
        weights.
        A run is that of the whole network, forward. Timed on \(conditions), where the peak is \
        \(peak.text(1)) GFLOP/s.
        """)
    }
  }

  private func print(_ variant: Variant) {
    let isMeasured = milliseconds != nil
    Console.line("\(variant.groups) \(variant.groups == 1 ? "group" : "groups")")
    var table = TextTable(
      ["layer", "groups", "parameters", "", "multiply-adds", ""]
        + (isMeasured ? ["fw ms", "", "tr ms", ""] : []))
    for layer in variant.layers {
      func pair(_ before: String, _ after: String) -> [String] {
        [before, layer.groupsBefore == layer.groupsAfter ? "" : "→ \(after)"]
      }
      func times(_ before: Double?, _ after: Double?) -> [String] {
        pair(before?.text(3) ?? "", after?.text(3) ?? "")
      }
      let groups = pair("\(layer.groupsBefore)", "\(layer.groupsAfter)")
      table.append(
        [layer.name, groups.filter { !$0.isEmpty }.joined(separator: " ")]
          + pair(layer.parametersBefore.grouped, layer.parametersAfter.grouped)
          + pair(layer.multiplyAddsBefore.grouped, layer.multiplyAddsAfter.grouped)
          + (isMeasured
            ? times(layer.forwardBefore, layer.forwardAfter)
              + times(layer.trainingBefore, layer.trainingAfter) : []))
    }
    let lines = table.lines
    let width = lines.map(\.count).max() ?? 0
    for (index, line) in lines.enumerated() {
      let reason = index == 0 ? nil : variant.layers[index - 1].reason
      let padding = String(repeating: " ", count: width - line.count + 2)
      Console.line(line + (reason.map { padding + $0 } ?? ""))
    }
    Console.line()
  }
}

/// Times convolutions by themselves, each kind once.
private struct LayerStopwatch {
  /// What decides on a layer's time.
  private struct Key: Hashable {
    var operation: AnyHashable
    var shapes: [Shape]
  }

  private var benchmark: LayerBenchmark
  private var known: [Key: (forward: Double, training: Double)] = [:]

  init(_ measuring: CostMeasuring) {
    benchmark = LayerBenchmark(batch: measuring.batch, options: measuring.options)
  }

  var peak: Double { benchmark.peak }

  mutating func milliseconds(
    of node: Graph.Node, in graph: Graph
  ) throws(ConvoyError) -> (forward: Double, training: Double) {
    let key = Key(
      operation: AnyHashable(node.operation), shapes: Array(graph.shapes(of: node).inputs.prefix(2))
    )
    if let times = known[key] { return times }
    benchmark.direction = .forward
    let forward = try benchmark.measure(node, of: graph).milliseconds
    benchmark.direction = .training
    let training = try benchmark.measure(node, of: graph).milliseconds
    known[key] = (forward, training)
    return (forward, training)
  }
}
