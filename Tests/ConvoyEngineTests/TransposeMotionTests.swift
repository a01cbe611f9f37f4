import ConvoyEngine
import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Testing

/// Operators are moved before transpositions where that saves numbers to transpose; the results stay.
@Suite struct TransposeMotionTests {
  // MARK: Blocks as exporters write them

  /// ConvNeXt's blocks normalise and mix channels with the channels last.
  @Test(arguments: [(1, 16), (3, 19)]) func convNeXtBlock(batch: Int, channels: Int) throws {
    let model = try model(batch: batch) { builder in
      let image = builder.input("image", [batch, channels, 6, 5])
      let x = builder.depthwise(image, name: "dw").transposed([0, 2, 3, 1])
      let normal = x.standardized(over: [3]) * builder.vector("weight", channels)
      let wide = builder.rowsLinear(normal + builder.vector("bias", channels), 40, name: "up")
        .gelu()
      let narrow = builder.rowsLinear(wide, channels, name: "down")
      let back = narrow.transposed([0, 3, 1, 2])
      let scale = builder.parameter("scale", [channels, 1, 1], Parameter(.constant(1)))
      builder.output("result", image + back * scale)
    }
    let simple = try expectSameResults(model)
    #expect(simple.transposedCount == 0)
    #expect(simple.graph.nodes.count { $0.operation is Convolution } == 3)
  }

  /// Global response normalisation reduces over pixels, then over channels.
  @Test(arguments: [(1, 32), (2, 21)]) func globalResponse(batch: Int, channels: Int) throws {
    let model = try model(batch: batch) { builder in
      let image = builder.input("image", [batch, channels, 5, 4])
      let x = builder.depthwise(image, name: "dw").transposed([0, 2, 3, 1]).gelu()
      let squares = Reduction(.sum, over: [1, 2], keepsDimensions: true)
      let norm = (x * x).applying(squares).squareRoot()
      let ratio = norm / norm.mean(over: [3], keepsDimensions: true).scaled(by: 1, offset: 1e-6)
      let gain = builder.parameter("gain", [1, 1, 1, channels], Parameter(.constant(1)))
      let y = x + x * ratio * gain + builder.vector("shift", channels)
      builder.output("result", y.transposed([0, 3, 1, 2]))
    }
    #expect(try expectSameResults(model).transposedCount == 0)
  }

  /// Where every number is transposed once anyway, the graph is left as it is.
  @Test func nothingIsMovedWithoutGain() throws {
    let model = try model(batch: 2) { builder in
      let image = builder.input("image", [2, 8, 4, 4])
      builder.output("result", image.transposed([0, 2, 3, 1]).gelu())
    }
    #expect(try model.movingTranspositions() == nil)
  }

  /// A transposition that nothing saves stays, beside others that go.
  @Test func regionsAreDecidedOnTheirOwn() throws {
    let model = try model(batch: 1) { builder in
      let image = builder.input("image", [1, 8, 4, 6])
      let last = image.transposed([0, 2, 3, 1])
      builder.output("back", last.gelu().transposed([0, 3, 1, 2]))
      let other = builder.input("other", [1, 4, 6, 8])
      builder.output("kept", other.transposed([0, 3, 1, 2]).silu())
    }
    let simple = try expectSameResults(model)
    #expect(simple.transposedCount == 4 * 6 * 8)
  }

  /// A mean over the pixels of channels-last images leaves vectors of channels.
  @Test func meanOfChannelsLast() throws {
    let model = try model(batch: 3) { builder in
      let image = builder.input("image", [3, 18, 4, 5])
      let x = builder.depthwise(image, name: "dw").transposed([0, 2, 3, 1]).standardized(over: [3])
      builder.output("result", x.mean(over: [1, 2], keepsDimensions: false))
    }
    #expect(try expectSameResults(model).transposedCount == 0)
  }

  /// A function after reshapes and transpositions is applied by the layer before them, where nothing
  /// else reads what is between.
  @Test(arguments: [true, false]) func functionsMoveToTheLayer(isReadTwice: Bool) throws {
    let model = try model(batch: 2) { builder in
      let image = builder.input("image", [2, 6, 3, 4])
      let table = builder.depthwise(image, name: "dw").reshaped([0, 2, 3, 3, 4])
      let moved = table.transposed([0, 1, 3, 4, 2])
      builder.output("result", moved.sigmoid())
      if isReadTwice { builder.output("between", moved) }
    }
    let simple = try expectSameResults(model)
    let last = try #require(simple.graph.nodes.last)
    #expect((last.operation is Transpose) != isReadTwice)
  }

  // MARK: Any graphs

  /// Random chains of what has a form for transposed inputs and of what has none.
  @Test(arguments: 0..<60) func randomGraphs(seed: UInt64) throws {
    var random = Random(seed: 100 + seed)
    let batch = 1 + random.below(3)
    let model = try model(batch: batch) { builder in
      var steps = RandomTranspositions(builder, &random, batch: batch)
      steps.append(12, &random)
    }
    let simple = try expectSameResults(model)
    #expect(simple.transposedCount <= model.transposedCount)
  }

  /// Plans of the simplified model give what the plan of the model as it is gives, on every machine.
  private func expectSameResults(
    _ model: Model, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Model {
    let simple = try model.simplified()
    var random = Random(seed: 5)
    var inputs: [String: Tensor] = [:]
    for id in model.graph.inputs {
      inputs[model.graph[id].name] = Tensor(normal: model.graph[id].shape, using: &random)
    }
    var given: [ValueID: ReferenceTensor] = [:]
    for id in model.graph.inputs + model.graph.parameters {
      let name = model.graph[id].name
      given[id] = (inputs[name] ?? model.parameters[name]).map { ReferenceTensor($0) }
    }
    let expected = model.graph.evaluatedByReference(given)
    for machine in Machine.available {
      var options = CompileOptions(pool: ThreadPool(threadCount: 2))
      options.machine = machine
      for candidate in [model, simple] {
        let plan = try candidate.graph.compiled(parameters: candidate.parameters, options: options)
        let results = try plan.run(named: inputs)
        for (name, id) in model.graph.outputs {
          let reference = try #require(expected[id])
          let tensor = try #require(results[name])
          #expect(tensor.shape == reference.shape, sourceLocation: sourceLocation)
          let scale = reference.elements.map(\.magnitude).max() ?? 1
          let worst =
            zip(ReferenceTensor(tensor).elements, reference.elements)
            .map { abs($0 - $1) }.max() ?? 0
          #expect(
            worst <= 1e-4 * max(scale, 1e-3), "\(name) on \(machine.name): off by \(worst)",
            sourceLocation: sourceLocation)
        }
      }
    }
    return simple
  }

  private func model(batch: Int, _ build: (GraphBuilder) -> Void) throws -> Model {
    let builder = GraphBuilder()
    build(builder)
    let graph = try builder.finish()
    var random = Random(seed: 8)
    var parameters: [String: Tensor] = [:]
    for id in graph.parameters {
      parameters[graph[id].name] = Tensor(normal: graph[id].shape, using: &random)
    }
    return try Model(graph, parameters: parameters)
  }
}

extension Model {
  /// The numbers that transpositions move.
  fileprivate var transposedCount: Int {
    graph.nodes.filter { $0.operation is Transpose }.reduce(0) {
      $0 + graph[$1.outputs[0]].shape.elementCount
    }
  }
}

extension GraphBuilder {
  fileprivate func vector(_ name: String, _ count: Int) -> Value {
    parameter(name, [count], Parameter(.constant(1)))
  }

  /// 3×3, each channel by itself.
  fileprivate func depthwise(_ image: Value, name: String) -> Value {
    let channels = image.shape[1]
    let weights = parameter("\(name).weight", [channels, 1, 3, 3], Parameter(.he))
    let window = Window(kernel: [3, 3], padding: .explicit(before: [1, 1], after: [1, 1]))
    return image.applying(Convolution(window, groups: channels), [weights], name: name)
  }

  /// A linear layer over the last dimension, with all others as rows.
  fileprivate func rowsLinear(_ value: Value, _ outputs: Int, name: String) -> Value {
    let extents = value.shape.dimensions
    let features = extents[extents.count - 1]
    let weights = parameter("\(name).weight", [outputs, features], Parameter(.he))
    let rows = value.reshaped([-1, features])
      .applying(Linear(), [weights, vector("\(name).bias", outputs)], name: name)
    return rows.reshaped([-1] + extents.dropFirst().dropLast() + [outputs])
  }
}

/// Appends random operators to a graph.
private struct RandomTranspositions {
  private let builder: GraphBuilder
  private var values: [Value]
  private var count = 0

  init(_ builder: GraphBuilder, _ random: inout Random, batch: Int) {
    self.builder = builder
    let extents = [batch, 1 + random.below(20), 2 + random.below(5), 2 + random.below(5)]
    values = [builder.input("image", Shape(extents))]
  }

  mutating func append(_ steps: Int, _ random: inout Random) {
    for _ in 0..<steps {
      count += 1
      let value = values[max(0, values.count - 1 - (random.below(4) == 0 ? random.below(3) : 0))]
      values.append(next(value, &random))
    }
    builder.output("result", values[values.count - 1])
    builder.output("between", values[values.count / 2])
  }

  private func next(_ x: Value, _ random: inout Random) -> Value {
    let rank = x.shape.rank
    let last = x.shape[rank - 1]
    let dimension = 1 + random.below(rank - 1)
    let name = "step\(count)"
    switch random.below(15) {
    case 0, 1: return x.transposed([0] + Array(2..<rank) + [1])
    case 2, 3: return x.transposed([0, rank - 1] + Array(1..<rank - 1))
    case 4: return x.transposed((0..<rank).shuffled(using: &random))
    case 5: return x.gelu()
    case 6: return x + builder.vector(name, last)
    case 7:
      var extents = x.shape.dimensions
      for d in extents.indices where random.below(2) == 0 || d == 0 { extents[d] = 1 }
      return x * builder.parameter(name, Shape(extents), Parameter(.constant(1)))
    case 8: return x.standardized(over: [dimension])
    case 9: return builder.rowsLinear(x, 1 + random.below(20), name: name)
    case 10:
      if let other = values.dropLast().last(where: { $0.shape == x.shape }) { return x + other }
      return x.sigmoid()
    case 11:
      let mean = x.mean(over: [dimension], keepsDimensions: true)
      return x - mean.gelu()
    case 12: return x.sliced(0..<max(1, x.shape[dimension] - 1), dimension: dimension)
    case 13: return concatenate([x, x.silu()], dimension: dimension)
    default:
      return x.shape.elementCount > 4000 ? x.silu() : builder.depthwise(x, name: name)
    }
  }
}
