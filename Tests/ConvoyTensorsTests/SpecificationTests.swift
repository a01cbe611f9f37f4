import ConvoyTensors
import Testing

@Suite struct SpecificationTests {
  @Test(arguments: ["digits", "zoo:alexnet?classes=10&groups=2", "a/b c.d?key=-1.5e3"])
  func whatIsParsedIsPrinted(text: String) throws {
    let specification = try Specification(parsing: text)
    #expect(specification.description == text)
    #expect(try Specification(parsing: specification.description) == specification)
  }

  @Test func theOrderOfAttributesDoesNotMatter() throws {
    #expect(try Specification(parsing: "a?b=1&c=2") == Specification(parsing: "a?c=2&b=1"))
  }

  @Test func gettersRead() throws {
    let specification = try Specification(parsing: "n?i=-3&x=0.5&f=true&w=red&q=a?b")
    #expect(specification.name == "n")
    #expect(try specification.integer("i") == -3)
    #expect(try specification.integer("i", in: -3 ... -3) == -3)
    #expect(try specification.number("x") == 0.5)
    #expect(try specification.flag("f") == true)
    #expect(try specification.choice("w", among: ["blue", "red"]) == "red")
    #expect(specification.attributes["q"] == "a?b")
    #expect(try specification.integer("absent") == nil)
    #expect(try specification.number("absent") == nil)
    #expect(try specification.flag("absent") == nil)
    #expect(try specification.choice("absent", among: []) == nil)
  }

  @Test(arguments: ["", "?a=1", "n?", "n?a", "n?a=", "n?=1", "n?a=1&", "n?a=1&a=2", "n?a=b=c"])
  func malformedTextIsRefused(text: String) {
    let error = #expect(throws: ConvoyError.self) { try Specification(parsing: text) }
    #expect(error?.kind == .argument)
    #expect(error?.message.contains(text) == true)
  }

  @Test func gettersRefuse() throws {
    let specification = try Specification(parsing: "n?i=1.5&x=nan&f=yes&w=green&l=9")
    func message(_ body: () throws -> Void) -> String {
      #expect(throws: ConvoyError.self) { try body() }?.message ?? ""
    }
    #expect(message { _ = try specification.integer("i") }.contains("whole number, got ‘1.5’"))
    #expect(message { _ = try specification.integer("l", in: 1...8) }.contains("from 1 to 8"))
    #expect(message { _ = try specification.number("x") }.contains("‘nan’"))
    #expect(message { _ = try specification.number("l", in: 0...1) }.contains("from 0.0 to 1.0"))
    #expect(message { _ = try specification.flag("f") }.contains("true or false"))
    #expect(message { _ = try specification.choice("w", among: ["red"]) }.contains("one of red"))
    let unknown = message { try specification.requireKeys(among: ["f", "i", "w", "x"]) }
    #expect(unknown == "‘n’ takes only f, i, w, x, got ‘l’.")
    #expect(message { try specification.requireKeys(among: []) }.contains("no attributes"))
  }
}
