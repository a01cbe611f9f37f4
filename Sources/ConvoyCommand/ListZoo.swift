import ArgumentParser
import Convoy

/// `convoy zoo`
struct ListZoo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo",
    abstract: "Lists the networks Convoy knows, or tells all about some.",
    discussion: """
      Examples:
        convoy zoo
        convoy zoo resnet-50 mobilenet-v2
        convoy train --model 'zoo:alexnet-small?groups=4'
      """)

  @Argument(help: ArgumentHelp("Only these, with all that can be chosen.", valueName: "name"))
  var names: [String] = []

  @Flag(help: "Print one JSON object a network.")
  var json = false

  func run() throws {
    let entries = names.isEmpty ? Zoo.entries : try names.map(entry)
    let rows = try entries.map { try Row($0) }
    if json { return try rows.forEach { try Console.json($0) } }
    if names.isEmpty {
      printTable(rows)
    } else {
      for (entry, row) in zip(entries, rows) { print(entry, row) }
    }
  }

  private func entry(_ name: String) throws(ConvoyError) -> ZooEntry {
    try Zoo.entry(named: name.hasPrefix("zoo:") ? String(name.dropFirst(4)) : name)
  }

  private func printTable(_ rows: [Row]) {
    var table = TextTable(["network", "image", "parameters", "multiply-adds"])
    for row in rows {
      table.append([
        "zoo:\(row.name)", row.image, row.parameters.grouped, row.multiplyAdds.grouped,
      ])
    }
    for line in table.lines { Console.line(line) }
    Console.lines("\nWhere they come from:")
    let width = rows.map(\.name.count).max() ?? 0
    for row in rows {
      let padding = String(repeating: " ", count: width - row.name.count)
      Console.line("  \(row.name)\(padding)  \(row.source)")
    }
    Console.lines("\nWhat can be chosen about one: convoy zoo NAME")
  }

  private func print(_ entry: ZooEntry, _ row: Row) {
    Console.line("zoo:\(row.name)  \(row.summary)")
    Console.line(
      "  \(row.parameters.grouped) parameters, \(row.multiplyAdds.grouped) multiply-adds an image "
        + "of \(row.image)")
    Console.line("  \(row.source)")
    for attribute in entry.attributes { Console.line("    \(attribute)") }
    Console.line()
  }

  private struct Row: Encodable {
    var name: String
    var summary: String
    var source: String
    var image: String
    var parameters: Int
    var multiplyAdds: Int

    init(_ entry: ZooEntry) throws(ConvoyError) {
      let graph = try entry.network().graph
      let cost = graph.cost
      name = entry.name
      summary = entry.summary
      source = entry.source
      image = Shape(graph[graph.inputs[0]].shape.dimensions.dropFirst()).description
      parameters = cost.parameters
      multiplyAdds = cost.multiplyAdds
    }
  }
}
