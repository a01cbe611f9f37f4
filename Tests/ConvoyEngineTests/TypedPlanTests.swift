import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

/// Values of other types than 32-bit floats: conversions, arithmetic on integers, and what only moves them.
@Suite struct TypedPlanTests {
  static func randomType(_ random: inout Random) -> ElementType {
    ElementType.allCases[random.below(ElementType.allCases.count)]
  }

  static func randomShape(_ random: inout Random) -> Shape {
    Shape((0..<1 + random.below(4)).map { _ in [1, 2, 3, 5, 8, 17][random.below(6)] })
  }

  /// Numbers that some types cannot hold.
  static func value(_ name: String, _ random: inout Random) -> Float {
    [random.normal() * 100, random.normal() * 1e5, 0, -0.5, 1e12, 255, 0.25][random.below(7)]
  }

  /// A conversion to a random type, from there to another, and back.
  @Test func casts() throws {
    var random = Random(seed: 91)
    for first in ElementType.allCases {
      for second in ElementType.allCases {
        let builder = GraphBuilder()
        let x = builder.input("x", Self.randomShape(&random), type: first)
        builder.output("cast", x.cast(to: second))
        let last = Self.randomType(&random)
        // The reference rounds the 64-bit integers that negative ones become.
        if second != .uint64 || !(first.isInteger && first.isSigned) {
          builder.output("back", x.cast(to: second).cast(to: last))
        }
        try expectPlanMatchesReference(
          try builder.finish(), tolerance: 0, random: &random, values: Self.value)
      }
    }
  }

  /// To the last bit where Double cannot tell: integers beyond 2⁵³.
  @Test func largeIntegersAreExact() throws {
    let numbers = [Int64.max, .min, 1 << 53 + 1, -(1 << 53) - 1]
    let builder = GraphBuilder()
    let x = builder.input("x", [4], type: .int64)
    builder.output("next", x + builder.constant(Tensor(scalar: 1 as Int64)))
    builder.output("unsigned", x.cast(to: .uint64))
    builder.output("half", x.cast(to: .bfloat16))
    let plan = try builder.finish().compiled(parameters: [:])
    let given = try Tensor([4], elements: numbers)
    let results = try plan.run(named: ["x": given])
    #expect(try results["next"]?.elements(as: Int64.self) == numbers.map { $0 &+ 1 })
    #expect(results["unsigned"] == given.converted(to: .uint64))
    #expect(results["half"] == given.converted(to: .bfloat16))
  }

  @Test func arithmeticOnIntegers() throws {
    var random = Random(seed: 92)
    let types = ElementType.allCases.filter(\.isInteger)
    for _ in 0..<150 {
      let builder = GraphBuilder()
      let type = types[random.below(types.count)]
      let shape = Self.randomShape(&random)
      let second = Shape(shape.dimensions.map { random.below(3) == 0 ? 1 : $0 })
      let (a, b) = (
        builder.input("a", shape, type: type), builder.input("b", second, type: type)
      )
      builder.output("sum", a + b)
      builder.output("difference", b - a)
      builder.output("product", a * b)
      builder.output("quotient", b / a)
      builder.output("power", a.power(b))
      builder.output("larger", b.maximum(a))
      builder.output("smaller", a.minimum(b))
      // Powers are below 2⁵³, which is where the comparison is made.
      try expectPlanMatchesReference(try builder.finish(), tolerance: 0, random: &random) {
        name, random in name == "a" ? Float(random.below(6)) : Float(6 + random.below(6))
      }
    }
  }

  @Test func integersThatAreTooLargeKeepTheirLowBits() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", [2], type: .int8)
    builder.output("sum", x + x)
    builder.output("product", x * x)
    let plan = try builder.finish().compiled(parameters: [:])
    let results = try plan.run(named: ["x": Tensor([2], elements: [100, -100] as [Int8])])
    #expect(try results["sum"]?.elements(as: Int8.self) == [-56, 56])
    #expect(try results["product"]?.elements(as: Int8.self) == [16, 16])
  }

  /// Whatever only moves elements, on every type.
  @Test(arguments: ElementType.allCases) func movement(type: ElementType) throws {
    var random = Random(seed: 93)
    for _ in 0..<40 {
      let builder = GraphBuilder()
      let shape = Self.randomShape(&random)
      let x = builder.input("x", shape, type: type)
      let dimension = random.below(shape.rank)
      let start = random.below(shape[dimension])
      let permutation = Array(0..<shape.rank).shuffled(using: &random)
      let padding = shape.dimensions.map { _ in random.below(3) }
      let part = x.sliced(
        start..<shape[dimension], dimension: dimension, step: 1 + random.below(2))
      builder.output("slice", part)
      builder.output("transposed", x.transposed(permutation))
      builder.output("padded", x.padded(before: padding, after: padding.reversed(), value: 3))
      builder.output("joined", concatenate([x, part, x], dimension: dimension))
      builder.output("reshaped", x.reshaped([-1]))
      builder.output(
        "repeated", x.applying(Repetition(to: Shape([2] + shape.dimensions))))
      builder.output(
        "put back",
        part.applying(
          SliceGradient(
            slice: AxisSlice(
              dimension: dimension, start: start, end: start + part.shape[dimension]),
            extent: shape[dimension])))
      try expectPlanMatchesReference(
        try builder.finish(), tolerance: 0, random: &random, values: Self.value)
    }
  }

  @Test(arguments: ElementType.allCases) func selections(type: ElementType) throws {
    var random = Random(seed: 95)
    for _ in 0..<30 {
      let builder = GraphBuilder()
      let shape = Self.randomShape(&random)
      func part() -> Shape { Shape(shape.dimensions.map { random.below(3) == 0 ? 1 : $0 }) }
      let (a, b) = (
        builder.input("a", shape, type: type), builder.input("b", part(), type: type)
      )
      let condition = builder.input("condition", part(), type: .bool)
      builder.output("selected", a.selected(where: condition, else: b))
      builder.output("other", b.selected(where: condition, else: a))
      try expectPlanMatchesReference(
        try builder.finish(), tolerance: 0, random: &random, values: Self.value)
    }
  }

  /// Images of bytes, as cameras give them, into a convolution; and scores rounded behind it.
  @Test func bytesIntoAConvolution() throws {
    var random = Random(seed: 94)
    let builder = GraphBuilder()
    let image = builder.input("image", [2, 3, 9, 7], type: .uint8)
    let scores = image.cast(to: .float32).scaled(by: 1 / 255)
      .convolution(20, kernel: 3, padding: 1).relu()
    builder.output("scores", scores)
    builder.output("half", scores.cast(to: .float16))
    try expectPlanMatchesReference(
      try builder.finish(), tolerance: 1e-3, random: &random
    ) { name, random in name == "image" ? Float(random.below(256)) : random.normal() }
  }

  @Test func gradientsPassConversionsBetweenFloatsOnly() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", [3])
    let y = x.cast(to: .float16).cast(to: .float32) * x
    let whole = x.cast(to: .int32).cast(to: .float32)
    let gradients = builder.gradients(of: (y + whole).sum(), withRespectTo: [x])
    builder.output("gradient", gradients[0])
    let plan = try builder.finish().compiled(parameters: [:])
    let results = try plan.run(named: ["x": Tensor([3], [1, -2, 0.5])])
    #expect(results["gradient"]?.elements == [2, -4, 1])
  }

  @Test func otherTypesAreRefusedWithASentence() throws {
    func message(_ make: (GraphBuilder) -> Void) -> String? {
      let builder = GraphBuilder()
      make(builder)
      return builder.failure?.message
    }
    #expect(
      message { _ = $0.input("x", [2], type: .int32).relu() }
        == "elementwise: expected input 1 of type float32, got int32.")
    #expect(
      message { _ = $0.input("x", [2], type: .int32) + $0.input("y", [2], type: .int64) }
        == "arithmetic: expected inputs of one type, got int32 and int64.")
    #expect(
      message { _ = $0.input("x", [2, 2], type: .int32).matrixProduct($0.input("y", [2, 2])) }
        == "matrixProduct: expected input 1 of type float32, got int32.")
    #expect(
      message {
        _ = $0.input("x", [2, 3]).crossEntropy(with: $0.input("labels", [2], type: .uint8))
      } == "crossEntropy: expected input 2 of type float32, int32 or int64, got uint8.")
    let builder = GraphBuilder()
    builder.output("y", builder.input("x", [2], type: .int32))
    let plan = try builder.finish().compiled(parameters: [:])
    let error = #expect(throws: ConvoyError.self) { try plan.run(named: ["x": Tensor([2])]) }
    #expect(error?.message == "The input x was compiled for int32, got a tensor of float32.")
  }
}
