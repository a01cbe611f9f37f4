import ConvoyGraphs
import Testing

@testable import ConvoyZoo

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `Documentation/Zoo.md` says what the networks are.
@Suite struct DocumentationTests {
  @Test func costsOnThePageAreTheNetworks() throws {
    let rows = try tableRows(columns: 3).filter { $0[1].allSatisfy { $0.isNumber || $0 == "," } }
    for row in rows {
      let cost = try Zoo.network(code(row[0])).graph.cost
      #expect(Int(row[1].filter(\.isNumber)) == cost.parameters, "\(row[0])")
      #expect(Int(row[2].filter(\.isNumber)) == cost.multiplyAdds, "\(row[0])")
    }
    let names = Set(rows.map { code($0[0]).prefix { $0 != "?" } })
    #expect(names == Set(Zoo.entries.map { $0.name[...] }))
  }

  /// Every network's source is told in its own table.
  @Test func sourcesOnThePageAreTheNetworks() throws {
    let rows = try tableRows(columns: 3).filter {
      $0[0].hasPrefix("`") && $0[1].first?.isNumber == false
    }
    #expect(rows.map { code($0[0]) } == Zoo.entries.map(\.name))
  }

  @Test func attributesOnThePageAreTheNetworks() throws {
    // An empty first cell means the name above.
    var name = ""
    let rows = try tableRows(columns: 4).filter { $0[1].hasPrefix("`") }.map { row in
      if !row[0].isEmpty { name = code(row[0]) }
      return [name, code(row[1]), row[2], row[3]]
    }
    let attributes = Zoo.entries.flatMap { entry in
      entry.attributes.flatMap { attribute in
        [[entry.name, attribute.key, values(attribute.values), attribute.defaultText]]
          + attribute.choicesByForm.sorted { $0.key < $1.key }.map { form, choice in
            [entry.name, attribute.key, values(choice.values), choice.defaultText]
          }
      }
    }
    #expect(rows == attributes)
  }

  /// The cells of every line of a table with so many columns.
  private func tableRows(columns: Int) throws -> [[String]] {
    let page = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Documentation/Zoo.md")
    return try String(contentsOf: page, encoding: .utf8).split(separator: "\n")
      .filter { $0.hasPrefix("|") && $0.hasSuffix("|") }
      .map { line in
        line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
          .map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
      }
      .filter { $0.count == columns }
  }

  /// What stands between the first two backticks.
  private func code(_ cell: String) -> String {
    let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
    return parts.count > 1 ? String(parts[1]) : ""
  }

  private func values(_ values: ZooAttribute.Values) -> String {
    switch values {
    case .wholeNumbers(let range): "\(range.lowerBound) to \(range.upperBound)"
    case .numbers(let range): "\(range.lowerBound) to \(Int(range.upperBound))"
    case .oneOf, .words: "\(values)".replacing("one of ", with: "")
    case .groups(let choices, _): choices.map(String.init).joined(separator: ", ")
    }
  }
}
