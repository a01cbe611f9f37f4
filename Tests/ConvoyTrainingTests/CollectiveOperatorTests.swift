import ConvoyCluster
import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import ConvoyTraining
import Testing

/// The operators that exchange numbers, as compiled plans run them on several ranks.
@Suite struct CollectiveOperatorTests {
  /// Runs a graph of one input on every rank, each with its own numbers.
  private func run(
    _ ranks: Int, _ inputs: [Tensor], along axis: RankAxis = .groups,
    _ build: @escaping @Sendable (_ input: Value, _ rank: Int) -> [Value]
  ) throws -> [[Tensor]] {
    let grid = try axis == .data ? RankGrid(data: ranks) : RankGrid(groups: ranks)
    return try InProcessRanks.run(grid, threadCount: 1) { rank, _, pool in
      let builder = GraphBuilder()
      let input = builder.input("x", inputs[rank.rank].shape)
      let outputs = build(input, rank.rank)
      for (index, output) in outputs.enumerated() { builder.output("\(index)", output) }
      var options = CompileOptions(pool: pool)
      options.communicators = rank.communicators
      let plan = try builder.finish().compiled(parameters: [:], options: options)
      let results = try plan.run(named: ["x": inputs[rank.rank]])
      return outputs.indices.compactMap { results["\($0)"] }
    }
  }

  private func sum(_ tensors: [Tensor]) throws -> Tensor {
    try Tensor(
      tensors[0].shape,
      tensors[0].elements.indices.map { index in tensors.reduce(0) { $0 + $1.elements[index] } })
  }

  private func close(_ a: Tensor, _ b: Tensor, within limit: Float = 1e-5) -> Bool {
    a.shape == b.shape && zip(a.elements, b.elements).allSatisfy { abs($0 - $1) <= limit }
  }

  /// The shares of a tensor along a dimension, cut by a slice of another graph.
  private func share(_ tensor: Tensor, _ rank: Int, of ranks: Int, along d: Int) throws -> Tensor {
    let builder = GraphBuilder()
    let extent = tensor.shape[d] / ranks
    builder.output(
      "y",
      builder.input("x", tensor.shape).sliced(rank * extent..<(rank + 1) * extent, dimension: d))
    return try builder.finish().compiled(parameters: [:])(tensor)
  }

  @Test(arguments: 1...4) func operators(ranks: Int) throws {
    var random = Random(seed: UInt64(300 + ranks))
    for _ in 0..<12 {
      let rank = 1 + random.below(4)
      let d = random.below(rank)
      var extents = (0..<rank).map { _ in 1 + random.below(5) }
      extents[d] *= ranks
      let inputs = (0..<ranks).map { _ in Tensor(normal: Shape(extents), using: &random) }
      let root = random.below(ranks)
      let got = try run(ranks, inputs) { x, rank in
        [
          x.applying(AllReduce(.groups, ranks: ranks)),
          x.applying(
            AllGather(.groups, ranks: ranks, rank: rank, dimension: d, isRepeated: true)),
          x.applying(ReduceScatter(.groups, ranks: ranks, rank: rank, dimension: d)),
          x.applying(RankShare(.groups, ranks: ranks, rank: rank, dimension: d)),
          x.applying(Replicated(.groups, ranks: ranks)).scaled(by: 1),
          x.applying(Broadcast(.groups, ranks: ranks, root: root)),
        ]
          + x.builder.means(
            of: [x, x.scaled(by: 2)], along: .groups, ranks: ranks, bucketBytes: 1 << 20)
      }
      let total = try sum(inputs)
      for (rank, outputs) in got.enumerated() {
        #expect(close(outputs[0], total))
        for other in 0..<ranks {
          #expect(try share(outputs[1], other, of: ranks, along: d) == inputs[other])
        }
        #expect(close(outputs[2], try share(total, rank, of: ranks, along: d)))
        #expect(outputs[3] == (try share(inputs[rank], rank, of: ranks, along: d)))
        #expect(outputs[4] == inputs[rank])
        #expect(outputs[5] == inputs[root])
        let mean = try Tensor(total.shape, total.elements.map { $0 / Float(ranks) })
        #expect(close(outputs[6], mean))
        #expect(close(outputs[7], try Tensor(mean.shape, mean.elements.map { 2 * $0 })))
      }
    }
  }

  /// A batch norm over ranks is that of all their images, and so is its gradient.
  @Test(arguments: 1...4) func synchronizedBatchNormalization(ranks: Int) throws {
    var random = Random(seed: UInt64(400 + ranks))
    for activation in [nil, ScalarFunction.relu] {
      let (images, channels) = (1 + random.below(3), 1 + random.below(40))
      let shape = Shape([images, channels, 2 + random.below(5), 1 + random.below(5)])
      let all = Shape([images * ranks] + shape.dimensions.dropFirst())
      // Ranks whose images differ in their mean.
      let parts = (0..<ranks).map { rank in
        let x = Tensor(normal: shape, using: &random)
        return Tensor(uninitialized: shape) {
          _ = $0.initialize(from: x.elements.map { $0 + 3 * Float(rank) })
        }
      }
      let whole = try Tensor(all, parts.flatMap(\.elements))
      let weights = Tensor(normal: all, using: &random)
      let scale = Tensor(uniform: [channels], in: 0.5...1.5, using: &random)
      let shift = Tensor(normal: [channels], using: &random)
      /// The result of a batch norm, its statistics, and the gradients of a weighted sum of it.
      @Sendable func graph(_ x: Value, weights: Tensor, of ranks: Int) -> [Value] {
        let builder = x.builder
        let plain = BatchNormalizationTraining(epsilon: 1e-5, activation: activation)
        let vectors = [builder.constant(scale), builder.constant(shift)]
        let made =
          ranks == 1
          ? builder.apply(plain, to: [x] + vectors, outputCount: 3)
          : builder.apply(
            SynchronizedBatchNormalization(plain, ranks: ranks), to: [x] + vectors, outputCount: 3)
        let sum = (made[0] * builder.constant(weights)).sum()
        return made + builder.gradients(of: sum, withRespectTo: [x] + vectors)
      }
      let size = shape.elementCount
      let got = try run(ranks, parts, along: .data) { x, rank in
        let own = Array(weights.elements[rank * size..<(rank + 1) * size])
        guard let own = try? Tensor(shape, own) else { return [] }
        return graph(x, weights: own, of: ranks)
      }
      let want = try run(1, [whole], along: .data) { x, _ in graph(x, weights: weights, of: 1) }[0]
      for (index, outputs) in got.enumerated() {
        for place in [0, 3] {
          let part = try Tensor(
            shape, Array(want[place].elements[index * size..<(index + 1) * size]))
          #expect(close(outputs[place], part, within: 1e-4), "output \(place)")
        }
        #expect(close(outputs[1], want[1], within: 1e-4))
        #expect(close(outputs[2], want[2], within: 1e-4))
        #expect(outputs[1] == got[0][1])
        #expect(outputs[2] == got[0][2])
      }
      for place in [4, 5] {
        #expect(close(try sum(got.map { $0[place] }), want[place], within: 1e-3))
      }
    }
  }

  /// A graph for ranks that are not there is refused, not run.
  @Test func missingCommunicators() throws {
    let builder = GraphBuilder()
    builder.output("y", builder.input("x", [3]).applying(AllReduce(.data, ranks: 2)))
    let graph = try builder.finish()
    let error = #expect(throws: ConvoyError.self) { try graph.compiled(parameters: [:]) }
    #expect(
      error?.message
        == "allReduce exchanges numbers among 2 ranks along the axis data; no communicator was "
        + "given for it.")
  }

  /// Exchanges begin right after the last of what they send is made.
  @Test func exchangesBeginEarly() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", [4])
    let first = x.relu()
    var last = first
    for _ in 0..<5 { last = last.scaled(by: 2) }
    let means = builder.means(of: [first, last], along: .data, ranks: 2, bucketBytes: 1)
    for (index, mean) in means.enumerated() { builder.output("\(index)", mean) }
    let names = try builder.finish().overlappingExchanges().nodes.map {
      type(of: $0.operation).name
    }
    #expect(names[1] == "allReduceBegin", "\(names)")
    #expect(names.suffix(3) == ["allReduceBegin", "allReduceEnd", "allReduceEnd"], "\(names)")
  }
}
