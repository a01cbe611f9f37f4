import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyGraphs

@Suite struct GraphDocumentTests {
  // MARK: Round trips

  @Test func everyOperatorSurvivesSaving() throws {
    let graph = try graphOfEveryOperator()
    let used = Set(graph.nodes.map { type(of: $0.operation).name })
    #expect(used == Set(Operators.all.map { $0.name }), "An operator has no sample.")
    let read = try Graph(json: try graph.json())
    #expect(read == graph)
    #expect(try read.json() == graph.json())
  }

  /// Reads the sources, so that an operator cannot be added and left out of the list.
  @Test func everyOperatorIsListed() throws {
    let folder = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/ConvoyGraphs/Operators")
    let listed = Set(Operators.all.map { "\($0)" })
    var declared: Set<String> = []
    for file in try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil)
    {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(
        of: /public struct (\w+): (Collective|Layer|ChannelAffine|Typed)?Operator\b/)
      {
        declared.insert(String(match.1))
      }
    }
    #expect(declared == listed)
    #expect(!declared.isEmpty)
  }

  @Test func floatsSurviveToTheBit() throws {
    var random = Random(seed: 1)
    let elements = (0..<4096).map { _ -> Float in
      let x = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      return x.isNaN ? 0 : x
    }
    let builder = GraphBuilder()
    builder.output("y", builder.constant(try Tensor([4096], elements)).relu())
    let read = try Graph(json: try builder.finish().json())
    guard case .constant(let tensor) = read.values[0].origin else {
      Issue.record("The constant is none any more.")
      return
    }
    #expect(tensor.elements.map(\.bitPattern) == elements.map(\.bitPattern))
  }

  // MARK: Refusals

  private static let small = """
    {"version":1,
     "values":[{"name":"x","shape":[1,4],"origin":"input"},
               {"name":"two","shape":[],"origin":"constant","elements":[2]},
               {"name":"y","shape":[1,4],"origin":"computed"}],
     "nodes":[{"name":"double","operator":"arithmetic","attributes":{"function":"multiply"},
               "inputs":[0,1],"outputs":[2]}],
     "inputs":[0],"outputs":[{"name":"y","value":2}],"updates":[]}
    """

  @Test func readsADocumentWrittenByHand() throws {
    let graph = try Graph(json: Self.small)
    let x = ReferenceTensor([1, 4], [1, 2, 3, 4])
    #expect(try graph.outputsByReference(["x": x])["y"]?.elements == [2, 4, 6, 8])
  }

  @Test(
    arguments: [
      ("\"version\":1", "\"version\":2", "Expected a saved graph of version 1, got version 2."),
      (
        "\"arithmetic\"", "\"sorcery\"",
        "double: no operator is called sorcery; the graph may come from a newer version."
      ),
      ("[0,1]", "[0,7]", "double: expected the position of one of 3 values, got 7."),
      ("[0,1]", "[0,-1]", "double: expected the position of one of 3 values, got -1."),
      ("[0,1]", "[0]", "double: expected 2 inputs, got 1."),
      ("[0,1]", "[0,2]", "double reads y, which is made only after it."),
      ("\"value\":2", "\"value\":3", "outputs: expected the position of one of 3 values, got 3."),
      ("\"outputs\":[2]", "\"outputs\":[0]", "x is made twice."),
      ("\"outputs\":[2]", "\"outputs\":[]", "double makes shapes [1×4], but its values have []."),
      (
        "\"inputs\":[0],", "\"inputs\":[],",
        "The inputs are listed as [], but those that are given are [\"x\"]."
      ),
      ("\"name\":\"two\"", "\"name\":\"x\"", "Two values are named x."),
      ("[2]},", "[2,3]},", "two: A tensor of shape scalar has 1 elements, got 2."),
      (",\"elements\":[2]", "", "two: expected a constant's elements."),
      (
        "\"origin\":\"input\"", "\"origin\":\"parameter\"", "x: expected a parameter's initializer."
      ),
      ("[1,4]", "[1,0]", "A shape's extents must be at least 1, got 1×0."),
      (
        "[1,4]", "[1099511627776,4]",
        "A tensor may have at most 1099511627776 elements, got the shape 1099511627776×4."
      ),
      (
        "\"updates\":[]", "\"updates\":[{\"parameter\":0,\"value\":2}]",
        "x is updated, but is no parameter."
      ),
      ("\"version\":1", "\"vision\":1", "The graph cannot be read: version is missing."),
      (
        "[0,1]", "[0,\"a\"]",
        "The graph cannot be read: nodes[0].inputs[1]: expected Int."
      ),
    ])
  func refusesWhatIsNoGraph(_ old: String, _ new: String, _ message: String) {
    let start = Self.small.range(of: old)
    guard let start else {
      Issue.record("\(old) is not in the document.")
      return
    }
    let text = Self.small.replacingCharacters(in: start, with: new)
    let error = #expect(throws: ConvoyError.self) { try Graph(json: text) }
    #expect(error?.message == message)
  }

  @Test(
    arguments: [
      "", "null", "[]", "{}", "\u{0}", String(repeating: "[", count: 100_000),
      String(repeating: "{\"values\":", count: 100_000),
    ])
  func refusesWhatIsNoDocument(_ text: String) {
    let error = #expect(throws: ConvoyError.self) { try Graph(json: text) }
    #expect(error?.message.hasPrefix("The graph cannot be read: ") == true)
  }

  /// Damaged documents give a graph or an error; a graph that is given can be priced, pruned and
  /// resized, which looks at every attribute.
  @Test func damagedDocumentsAreRefusedOrSound() throws {
    let original = Array(try graphOfEveryOperator().json().utf8)
    let digits = Set(UInt8(ascii: "0")...UInt8(ascii: "9"))
    let numbers = [
      "-1", "0", "1", "7", "65536", "1048576", "1099511627776", "4611686018427387904",
      "9223372036854775807", "-9223372036854775808", "1e300", "1e-300", "99999999999999999999",
      "0.5", "\"inf\"", "\"nan\"", "null", "[]", "{}",
    ].map { Array($0.utf8) }
    var random = Random(seed: 2)
    var (accepted, refused) = (0, 0)
    for round in 0..<2000 {
      var bytes = original
      for _ in 0...random.below(3) {
        let position = random.below(bytes.count)
        switch round % 4 {
        case 0: bytes.remove(at: position)
        case 1: bytes.insert(UInt8(32 + random.below(96)), at: position)
        case 2: bytes[position] = UInt8(truncatingIfNeeded: random.next())
        default:
          // A number in place of another: the text stays JSON, and most of it a graph.
          guard let start = bytes[position...].firstIndex(where: digits.contains) else { continue }
          let end = bytes[start...].firstIndex { !digits.contains($0) } ?? bytes.endIndex
          bytes.replaceSubrange(start..<end, with: numbers[random.below(numbers.count)])
        }
      }
      do {
        let graph = try Graph(json: String(decoding: bytes, as: UTF8.self))
        accepted += 1
        _ = NetworkCost(graph).description
        _ = try? graph.resized(batch: 3)
        _ = try graph.rewritten().json()
      } catch {
        refused += 1
      }
    }
    #expect(accepted > 50 && refused > 500, "\(accepted) accepted, \(refused) refused")
  }

  /// Every number of every operator's attributes and shapes in turn takes on extreme values: shape
  /// rules answer or refuse.
  @Test func extremeAttributesAreRefusedOrSound() throws {
    var (accepted, refused) = (0, 0)
    for sample in operatorSamples {
      func check<Sample: Operator>(_ operation: Sample) throws {
        for changed in try extremes(of: operation) {
          for inputs in try extremes(of: sample.inputs) {
            do {
              let outputs = try changed.outputShapes(for: inputs)
              _ = changed.multiplyAdds(inputs: inputs, outputs: outputs)
              _ = changed.glyph
              accepted += 1
            } catch {
              refused += 1
            }
          }
        }
      }
      try check(sample.operation)
    }
    #expect(accepted > 1000 && refused > 1000, "\(accepted) accepted, \(refused) refused")
  }

  /// The value itself, and copies with one number of its JSON form replaced, as far as they decode.
  private func extremes<Coded: Codable>(of value: Coded) throws -> [Coded] {
    let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let text = String(decoding: try encoder.encode(value), as: UTF8.self)
    let values = [
      "-1", "0", "1", "2", "1000000", "1048576", "1048577", "1099511627776", "2305843009213693952",
      "9223372036854775807", "-9223372036854775808", "\"inf\"", "\"nan\"", "[]",
    ]
    var results = [value]
    for match in text.matches(of: /-?[0-9.]+(e-?[0-9]+)?/) {
      for number in values {
        let changed = text.replacingCharacters(in: match.range, with: number)
        if let decoded = try? decoder.decode(Coded.self, from: Data(changed.utf8)) {
          results.append(decoded)
        }
      }
    }
    return results
  }
}

/// Values of other types in saved graphs.
@Suite struct TypedGraphDocumentTests {
  @Test(arguments: ElementType.allCases) func typesAreSaved(type: ElementType) throws {
    let builder = GraphBuilder()
    let x = builder.input("x", [2, 2], type: type)
    let parameter = builder.parameter(
      "p", [1, 2], type: type, Parameter(.constant(1), isTrainable: false))
    let numbers = try Tensor([2, 2], [0, 1, 1, 0]).converted(to: type)
    builder.output("y", concatenate([x, parameter, builder.constant(numbers)], dimension: 0))
    let graph = try builder.finish()
    let text = try graph.json()
    #expect(text.contains("\"type\":\"\(type)\"") == (type != .float32))
    let read = try Graph(json: text)
    #expect(try read.json() == text)
    #expect(read.values.allSatisfy { $0.type == type })
    let constants = read.values.compactMap { info -> Tensor? in
      if case .constant(let tensor) = info.origin { tensor } else { nil }
    }
    #expect(constants == [numbers])
  }

  /// Integers that no Double has, and floats that are no numbers.
  @Test func extremesAreSaved() throws {
    for tensor in [
      try Tensor([2], elements: [Int64.min, .max]), try Tensor([2], elements: [UInt64.max, 0]),
      try Tensor([3], elements: [Double.infinity, -0.0, .leastNonzeroMagnitude]),
      try Tensor([2], elements: [Half(bits: 0x7C00), Half(bits: 1)]),
    ] {
      let builder = GraphBuilder()
      builder.output("y", builder.constant(tensor))
      let read = try Graph(json: try builder.finish().json())
      #expect(read.values.first?.origin == .constant(tensor))
    }
  }

  @Test func constantsOfAnotherTypeAreRefused() {
    for elements in ["[1.5]", "[300]", "[-1]", "[true]", "[\"nan\"]", "[1,2]"] {
      let text =
        #"{"version":1,"values":[{"name":"c","shape":[1],"type":"uint8","origin":"constant","#
        + #""elements":\#(elements)}],"nodes":[],"inputs":[],"outputs":[],"updates":[]}"#
      #expect(throws: ConvoyError.self) { try Graph(json: text) }
    }
  }
}
