import Testing

@testable import ConvoyGraphs
@testable import ConvoyTensors

/// Operators that compute in the types of their values, against identities and plain loops.
@Suite struct TypedOperatorTests {
  static func evaluated(
    _ operation: some Operator, _ inputs: [Tensor]
  ) throws -> Tensor {
    let builder = GraphBuilder()
    let values = inputs.enumerated().map { builder.input("x\($0)", $1.shape, type: $1.type) }
    builder.output("y", builder.apply(operation, to: values)[0])
    let graph = try builder.finish()
    let node = try #require(graph.nodes.last)
    return graph.evaluated(node, inputs)[0]
  }

  static func randomShape(_ rank: Int, _ random: inout Random) -> Shape {
    Shape((0..<rank).map { _ in 1 + random.below(4) })
  }

  // MARK: Broadcasting

  @Test func spreadElementsAreThoseOfABroadcast() throws {
    var random = Random(seed: 31)
    for _ in 0..<200 {
      let larger = Self.randomShape(random.below(5), &random)
      let missing = random.below(larger.rank + 1)
      let shape = Shape(
        larger.dimensions.dropFirst(missing).map { random.below(2) == 0 ? 1 : $0 })
      let tensor = Tensor(normal: shape, using: &random)
      let spread = tensor.spread(to: larger, as: Float.self)
      #expect(spread == (try tensor.broadcast(to: larger)).elements)
    }
  }

  // MARK: Numbers

  /// Every pair of 8-bit integers.
  @Test func smallIntegers() throws {
    let all = Array(Int8.min ... .max)
    let a = try Tensor([256, 1], elements: all)
    let b = try Tensor([256], elements: all)
    func results(_ operation: some Operator) throws -> [Int8] {
      try Self.evaluated(operation, [a, b]).elements(as: Int8.self)
    }
    let quotients = try results(Arithmetic(.divide))
    let powers = try results(Arithmetic(.power))
    let remainders = try results(Remainder(isTruncating: true))
    let moduli = try results(Remainder(isTruncating: false))
    for (index, (x, y)) in all.flatMap({ x in all.map { (x, $0) } }).enumerated() {
      let (quotient, rest, modulus) = (quotients[index], remainders[index], moduli[index])
      if y == 0 {
        #expect((quotient, rest, modulus) == (0, 0, 0))
      } else {
        #expect(quotient == Int8(truncatingIfNeeded: Int(x) / Int(y)))
        #expect(Int(rest) == Int(x) % Int(y))
        #expect(modulus == 0 || (modulus < 0) == (y < 0))
        #expect((Int(x) - Int(modulus)) % Int(y) == 0 && abs(Int(modulus)) < abs(Int(y)))
      }
      if y >= 0 {
        #expect(powers[index] == repeatElement(x, count: Int(y)).reduce(1, &*))
      } else {
        #expect(powers[index] == (x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0))
      }
    }
  }

  @Test func remaindersOfFloats() throws {
    var random = Random(seed: 32)
    let a = Tensor(normal: [500], using: &random)
    let b = Tensor(normal: [500], using: &random)
    let truncated = try Self.evaluated(Remainder(isTruncating: true), [a, b]).elements
    let floored = try Self.evaluated(Remainder(isTruncating: false), [a, b]).elements
    for (index, (x, y)) in zip(a.elements, b.elements).enumerated() {
      #expect(abs(truncated[index] - (x - (x / y).rounded(.towardZero) * y)) < 1e-5)
      #expect(abs(floored[index] - (x - (x / y).rounded(.down) * y)) < 1e-5)
    }
  }

  @Test func bits() throws {
    let all = Array(UInt8.min ... .max)
    let a = try Tensor([256, 1], elements: all)
    let b = try Tensor([256], elements: all)
    func results(_ function: Bitwise.Function) throws -> [UInt8] {
      try Self.evaluated(Bitwise(function), [a, b]).elements(as: UInt8.self)
    }
    let made = Dictionary(
      uniqueKeysWithValues: try Bitwise.Function.allCases.map { ($0, try results($0)) })
    for (index, (x, y)) in all.flatMap({ x in all.map { (x, $0) } }).enumerated() {
      #expect(made[.and]?[index] == x & y)
      #expect(made[.or]?[index] == x | y)
      #expect(made[.exclusiveOr]?[index] == x ^ y)
      #expect(made[.shiftLeft]?[index] == (y < 8 ? x &<< y : 0))
      #expect(made[.shiftRight]?[index] == (y < 8 ? x &>> y : 0))
    }
  }

  @Test func shiftsOfSignedIntegers() throws {
    let x = try Tensor([6], elements: [-8, 4, -1, .min, 100, -3] as [Int8])
    let y = try Tensor([6], elements: [-1, 8, 127, 7, 2, 0] as [Int8])
    func shifted(_ function: Bitwise.Function) throws -> [Int8] {
      try Self.evaluated(Bitwise(function), [x, y]).elements(as: Int8.self)
    }
    #expect(try shifted(.shiftRight) == [-1, 0, -1, -1, 25, -3])
    #expect(try shifted(.shiftLeft) == [0, 0, 0, 0, -112, -3])
  }

  @Test(arguments: ElementType.allCases.filter { !$0.isFloating })
  func inversion(_ type: ElementType) throws {
    let numbers = try Tensor([3], [0, 1, 1]).converted(to: type)
    let builder = GraphBuilder()
    let x = builder.input("x", [3], type: type)
    let once = x.inverted()
    builder.output("twice", once.inverted())
    let graph = try builder.finish()
    var known: [ValueID: Tensor] = [graph.inputs[0]: numbers]
    for id in graph.valueIDs {
      if case .constant(let tensor) = graph[id].origin { known[id] = tensor }
    }
    for node in graph.nodes {
      known[node.outputs[0]] = graph.evaluated(node, node.inputs.compactMap { known[$0] })[0]
    }
    #expect(known[graph.outputs[0].value] == numbers)
    #expect(known[once.id] != numbers)
    if type == .bool {
      #expect(try known[once.id]?.elements(as: Bool.self) == [true, false, false])
    }
  }

  // MARK: Functions

  /// Functions and their inverses, and other identities, over numbers where all are defined.
  @Test func functionsOfOneNumber() throws {
    var random = Random(seed: 33)
    let x = try Tensor([300], (0..<300).map { _ in Float(random.below(1000)) / 500 - 1 })
    func map(_ function: ScalarMap.Function, _ tensor: Tensor) throws -> Tensor {
      try Self.evaluated(ScalarMap(function), [tensor])
    }
    func expect(_ a: Tensor, _ b: Tensor, _ what: String) {
      for (a, b) in zip(a.elements, b.elements) {
        #expect(abs(a - b) <= 1e-4 * max(1, abs(b)), "\(what)")
      }
    }
    let one = Tensor(x.shape, repeating: 1)
    let (sine, cosine) = (try map(.sine, x), try map(.cosine, x))
    expect(sine * sine + cosine * cosine, one, "sin² + cos²")
    expect(try map(.tangent, x), sine / cosine, "tan")
    expect(try map(.arcsine, sine), x, "asin")
    expect(try map(.arccosine, cosine), try map(.magnitude, x), "acos")
    expect(try map(.arctangent, map(.tangent, x)), x, "atan")
    let (hyperbolic, even) = (try map(.hyperbolicSine, x), try map(.hyperbolicCosine, x))
    expect(even * even - hyperbolic * hyperbolic, one, "cosh² − sinh²")
    expect(try map(.inverseHyperbolicSine, hyperbolic), x, "asinh")
    expect(try map(.inverseHyperbolicTangent, hyperbolic / even), x, "atanh")
    let above = x * x + one
    expect(
      try map(.inverseHyperbolicCosine, map(.hyperbolicCosine, above)), above, "acosh")
    expect(try map(.sign, x) * map(.magnitude, x), x, "sign · abs")
    expect(try map(.negation, x), x * -1, "negation")
  }

  @Test func rounding() throws {
    let x = try Tensor([8], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, -.infinity])
    func map(_ function: ScalarMap.Function) throws -> [Float] {
      try Self.evaluated(ScalarMap(function), [x]).elements
    }
    #expect(try map(.round) == [-2, -2, 0, 0, 2, 2, 2, -.infinity])
    #expect(try map(.floor) == [-3, -2, -1, 0, 1, 2, 2, -.infinity])
    #expect(try map(.ceiling) == [-2, -1, 0, 1, 2, 3, 3, -.infinity])
  }

  @Test func signsOfIntegers() throws {
    let x = try Tensor([4], elements: [.min, -3, 0, 7] as [Int64])
    func map(_ function: ScalarMap.Function) throws -> [Int64] {
      try Self.evaluated(ScalarMap(function), [x]).elements(as: Int64.self)
    }
    #expect(try map(.negation) == [.min, 3, 0, -7])
    #expect(try map(.magnitude) == [.min, 3, 0, 7])
    #expect(try map(.sign) == [-1, -1, 0, 1])
  }

  @Test(arguments: ScalarMap.Function.allCases)
  func derivatives(_ function: ScalarMap.Function) throws {
    switch function {
    case .sign, .floor, .ceiling, .round: return
    default: break
    }
    var random = Random(seed: 34)
    let base: Float = function == .inverseHyperbolicCosine ? 1.2 : 0.1
    try expectGradientsMatchDifferences(
      of: ScalarMap(function), inputs: [[2, 7]], random: &random,
      values: { _, random in base + 0.8 * Float(random.below(1000)) / 1000 })
  }

  // MARK: Indices

  /// A tensor, indices and where in the tensor each element that they name is, by plain loops.
  private struct Indexed {
    let addressing: Addressing
    let tensor: Shape
    let indices: Tensor
    let named: Shape
    let places: [Int]

    /// Indices that are all within the extents, half of them counted from the end.
    init(_ kind: Int, _ random: inout Random) throws {
      let rank = 1 + random.below(4)
      tensor = TypedOperatorTests.randomShape(rank, &random)
      let axis = random.below(rank)
      let extents: [Int]
      switch kind {
      case 0:
        addressing = .positions(dimension: axis)
        extents = TypedOperatorTests.randomShape(random.below(3), &random).dimensions
      case 1:
        addressing = .elements(dimension: axis)
        extents = tensor.dimensions.enumerated().map {
          $0 == axis ? 1 + random.below(5) : 1 + random.below($1)
        }
      default:
        let length = 1 + random.below(rank - axis)
        addressing = .tuples(after: axis)
        extents =
          tensor.dimensions.prefix(axis)
          + TypedOperatorTests.randomShape(random.below(3), &random).dimensions + [length]
      }
      let shape = Shape(extents)
      named = try addressing.namedShape(tensor, shape)
      var numbers = ReferenceTensor(shape)
      for position in shape.indices {
        let dimension =
          if case .tuples(let first) = addressing { first + position[shape.rank - 1] } else { axis }
        numbers[position] = Double(random.below(tensor[dimension]))
      }
      var places: [Int] = []
      for position in named.indices {
        var place = position
        switch addressing {
        case .positions(let d):
          let own = Array(position[d..<d + shape.rank])
          place = position[..<d] + [Int(numbers[own])] + position[(d + shape.rank)...]
        case .elements(let d): place[d] = Int(numbers[position])
        case .tuples(let first):
          let own = position.prefix(shape.rank - 1)
          let tuple = (0..<shape[shape.rank - 1]).map { Int(numbers[own + [$0]]) }
          place = position[..<first] + tuple + position[(shape.rank - 1)...]
        }
        places.append(try #require(tensor.offset(of: place)))
      }
      self.places = places
      // The same positions counted from the end.
      var signed = numbers
      for position in shape.indices where random.below(2) == 0 {
        let dimension =
          if case .tuples(let first) = addressing { first + position[shape.rank - 1] } else { axis }
        signed[position] -= Double(tensor[dimension])
      }
      indices = Tensor(doubles: signed.elements, shape)
        .converted(to: random.below(2) == 0 ? .int32 : .int64)
    }
  }

  @Test(arguments: 0..<3) func gathering(_ kind: Int) throws {
    var random = Random(seed: UInt64(35 + kind))
    for _ in 0..<150 {
      let example = try Indexed(kind, &random)
      for type in [ElementType.float32, .int64, .bool] {
        let tensor = Tensor(normal: example.tensor, using: &random).converted(to: type)
        let made = try Self.evaluated(Gather(example.addressing), [tensor, example.indices])
        #expect(made.shape == example.named && made.type == type)
        #expect(made.doubles == example.places.map { tensor.doubles[$0] })
      }
    }
  }

  @Test(arguments: 0..<3) func scattering(_ kind: Int) throws {
    var random = Random(seed: UInt64(38 + kind))
    for _ in 0..<100 {
      let example = try Indexed(kind, &random)
      for function in Scatter.Function.allCases {
        let type: ElementType = random.below(2) == 0 ? .int32 : .float32
        let (tensor, updates) = (
          (Tensor(normal: example.tensor, using: &random) * 5).converted(to: type),
          (Tensor(normal: example.named, using: &random) * 5).converted(to: type)
        )
        var expected = tensor.doubles
        for (place, update) in zip(example.places, updates.doubles) {
          switch function {
          case .replace: expected[place] = update
          case .add: expected[place] += update
          case .multiply: expected[place] *= update
          case .minimum: expected[place] = min(expected[place], update)
          case .maximum: expected[place] = max(expected[place], update)
          }
        }
        let made = try Self.evaluated(
          Scatter(example.addressing, function), [tensor, example.indices, updates])
        for (a, b) in zip(made.doubles, expected) {
          #expect(abs(a - b) <= 1e-5 * max(1, abs(b)), "\(function)")
        }
      }
    }
  }

  @Test func indicesOutOfRangeNameNothing() throws {
    let tensor = try Tensor([2, 2], [1, 2, 3, 4])
    let indices = try Tensor([3], elements: [2, -3, 1] as [Int64])
    let taken = try Self.evaluated(Gather(.positions(dimension: 0)), [tensor, indices])
    #expect(taken.elements == [0, 0, 0, 0, 3, 4])
    let updates = Tensor([3, 2], repeating: 9)
    let changed = try Self.evaluated(
      Scatter(.positions(dimension: 0), .replace), [tensor, indices, updates])
    #expect(changed.elements == [1, 2, 9, 9])
  }

  @Test func indicesThatDoNotFitAreRefused() {
    #expect(throws: ConvoyError.self) {
      try Gather(.tuples(after: 1)).outputShapes(for: [[2, 3], [4, 1]])
    }
    #expect(throws: ConvoyError.self) {
      try Gather(.tuples(after: 0)).outputShapes(for: [[2], [4, 2]])
    }
    #expect(throws: ConvoyError.self) {
      try Gather(.elements(dimension: 0)).outputShapes(for: [[2, 3], [4, 4]])
    }
    #expect(throws: ConvoyError.self) {
      try Gather(.positions(dimension: 2)).outputShapes(for: [[2, 3], [4]])
    }
    #expect(throws: ConvoyError.self) {
      try Scatter(.positions(dimension: 0), .add).outputShapes(for: [[2, 3], [4], [4, 2]])
    }
  }

  // MARK: Cumulation

  @Test func cumulation() throws {
    var random = Random(seed: 41)
    for _ in 0..<100 {
      let shape = Self.randomShape(1 + random.below(4), &random)
      let dimension = random.below(shape.rank)
      let x = Tensor(normal: shape, using: &random)
      for function in Cumulation.Function.allCases {
        for (isExclusive, isReversed) in [
          (false, false), (false, true), (true, false), (true, true),
        ] {
          let made = ReferenceTensor(
            try Self.evaluated(
              Cumulation(
                function, along: dimension, isExclusive: isExclusive, isReversed: isReversed), [x]))
          let given = ReferenceTensor(x)
          for position in shape.indices {
            let own = position[dimension]
            var expected = function == .sum ? 0.0 : 1
            for other in 0..<shape[dimension] {
              let isBefore = isReversed ? other > own : other < own
              guard isBefore || other == own && !isExclusive else { continue }
              var place = position
              place[dimension] = other
              expected = function == .sum ? expected + given[place] : expected * given[place]
            }
            #expect(abs(made[position] - expected) <= 1e-5 * max(1, abs(expected)))
          }
        }
      }
    }
  }
}
