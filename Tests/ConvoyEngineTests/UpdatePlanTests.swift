import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct UpdatePlanTests {
  /// A step on a parameter, its gradient an input; what it becomes is kept, returned or both.
  static func randomGraph(_ random: inout Random, _ operation: some Operator) throws -> Graph {
    let shape = Shape((0..<1 + random.below(4)).map { _ in 1 + random.below(9) })
    let memories = operation is MomentumUpdate ? 1 : 2
    let builder = GraphBuilder()
    func parameter(_ name: String) -> Value {
      builder.parameter(name, shape, Parameter(.constant(0)))
    }
    let changing = [parameter("weights")] + (1...memories).map { parameter("memory \($0)") }
    let gradient = builder.input("gradient", shape)
    var scalars = [builder.input("rate", [])]
    if operation is AdamUpdate {
      scalars.append(builder.input("step", [], type: [.int64, .float32][random.below(2)]))
    }
    let new = builder.apply(
      operation, to: [changing[0], gradient] + changing.dropFirst() + scalars,
      outputCount: memories + 1)
    for (index, (old, new)) in zip(changing, new).enumerated() {
      // What is read later, is returned itself, or is not kept must not be written over.
      let way = random.below(5)
      if way != 0 { builder.update(old, to: new) }
      if way == 1 { builder.output("old \(index)", old * gradient) }
      if way == 2 { builder.output("unchanged \(index)", old) }
      if way <= 3 { builder.output("new \(index)", new) }
    }
    builder.output("always", gradient + changing[0])
    return try builder.finish()
  }

  /// Second moments and rates are not negative, and steps are counted from 1.
  static func value(_ name: String, _ random: inout Random) -> Float {
    switch name {
    case "rate": 0.1 * random.uniform()
    case "step": Float(1 + random.below(2000))
    case "memory 1", "memory 2": random.uniform()
    default: random.normal()
    }
  }

  static func check(_ seed: UInt64, _ make: (inout Random) -> any Operator) throws {
    var random = Random(seed: seed)
    for _ in 0..<150 {
      let graph = try randomGraph(&random, make(&random))
      try expectPlanMatchesReference(graph, random: &random, values: value)
    }
  }

  @Test func momentum() throws {
    try Self.check(21) { random in
      MomentumUpdate(
        momentum: random.below(3) == 0 ? 0 : random.uniform(), isNesterov: random.below(2) == 0,
        weightDecay: 0.1 * random.uniform())
    }
  }

  @Test func adam() throws {
    try Self.check(22) { random in
      AdamUpdate(
        beta1: 0.9 * random.uniform(), beta2: random.below(2) == 0 ? 0.999 : random.uniform(),
        epsilon: 1e-4, weightDecay: 0.1 * random.uniform())
    }
  }

  @Test func rmsprop() throws {
    try Self.check(23) { random in
      RMSpropUpdate(
        smoothing: random.uniform(), epsilon: 1e-3, momentum: random.uniform(),
        weightDecay: 0.1 * random.uniform())
    }
  }

  /// A parameter so large that its update is cut into chunks, updated where it lies, step after step.
  @Test func severalStepsInPlace() throws {
    let builder = GraphBuilder()
    let shape: Shape = [7, 5003]
    let weights = builder.parameter("weights", shape, Parameter(.constant(0)))
    let velocity = builder.parameter("velocity", shape, Parameter(.constant(0)))
    let gradient = builder.input("gradient", shape)
    let new = builder.apply(
      MomentumUpdate(momentum: 0.5, isNesterov: false, weightDecay: 0),
      to: [weights, gradient, velocity, builder.input("rate", [])], outputCount: 2)
    builder.update(weights, to: new[0])
    builder.update(velocity, to: new[1])
    let plan = try builder.finish().compiledWithVariables()
    let variables = try Variables(
      plan, parameters: ["weights": Tensor(shape), "velocity": Tensor(shape)])
    let count = shape.elementCount
    let given = [
      "gradient": try Tensor(shape, (0..<count).map(Float.init)),
      "rate": Tensor([], repeating: 0.5),
    ]
    for _ in 0..<3 { _ = try plan.run(named: given, variables: variables) }
    // Velocities g, 1.5·g, 1.75·g: all exact.
    #expect(variables["velocity"]?.elements == (0..<count).map { 1.75 * Float($0) })
    #expect(variables["weights"]?.elements == (0..<count).map { -2.125 * Float($0) })
  }
}
