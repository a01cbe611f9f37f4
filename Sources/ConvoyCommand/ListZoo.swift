import ArgumentParser
import Convoy

/// `convoy zoo`
struct ListZoo: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo",
    abstract: "Lists the networks Convoy knows.",
    discussion: """
      Example:
        convoy train --model 'zoo:alexnet-small?groups=4'
      """)

  @Flag(help: "Print one JSON object a network.")
  var json = false

  func run() throws {
    for entry in Zoo.entries {
      let cost = try entry.network().graph.cost
      if json {
        try Console.json(
          Row(
            name: entry.name, summary: entry.summary, source: entry.source,
            parameters: cost.parameters, multiplyAdds: cost.multiplyAdds))
        continue
      }
      Console.line("zoo:\(entry.name)  \(entry.summary)")
      Console.line(
        "  \(cost.parameters.grouped) parameters, \(cost.multiplyAdds.grouped) multiply-adds an image"
      )
      Console.line("  \(entry.source)")
      for attribute in entry.attributes { Console.line("    \(attribute)") }
      Console.line()
    }
  }

  private struct Row: Encodable {
    var name: String
    var summary: String
    var source: String
    var parameters: Int
    var multiplyAdds: Int
  }
}
