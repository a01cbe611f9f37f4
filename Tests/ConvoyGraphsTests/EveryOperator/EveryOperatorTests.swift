import ConvoyCluster
import ConvoyEngine
import ConvoyGraphs
import ConvoyKernels
import ConvoyONNX
import ConvoyTensors
import ConvoyTraining
import Testing

/// What holds of every operator there is: an operator that is added without a sample, a lowering or a true
/// answer about itself fails here.
@Suite struct EveryOperatorTests {
  @Test func everyOperatorHasASample() {
    let sampled = Set(operatorSamples.map { type(of: $0.operation).name })
    #expect(sampled == Set(Operators.all.map { $0.name }))
    for (name, samples) in Dictionary(
      grouping: operatorSamples, by: { type(of: $0.operation).name })
    {
      #expect(samples.contains { ($0.inputs[0].dimensions.first ?? 1) > 1 }, "\(name): no batch")
      if case .exchange = samples[0].operation.kind { continue }
      // Channels that are divided are floats.
      guard samples.contains(where: { $0.elementType(ofInput: 0) == .float32 }) else { continue }
      #expect(samples.contains { $0.canBeDivided }, "\(name): no channels to divide")
    }
  }

  // MARK: Shape, reference, cost, saved form

  @Test(arguments: operatorSamples) func shapesAndReference(_ sample: OperatorSample) throws {
    var random = Random(seed: 1)
    let operation = sample.operation
    let outputs = try operation.outputShapes(for: sample.inputs)
    let made = try sample.reference(sample.tensors(using: &random))
    #expect(made.map(\.shape) == outputs)
    #expect(!made.contains { $0.elements.contains(where: \.isNaN) })
    #expect(try sample.graph().cost.bytes > 0)
    // No operator takes another number of inputs than it says, without a word.
    #expect(throws: ConvoyError.self) { try operation.outputShapes(for: []) }
  }

  @Test(arguments: operatorSamples) func savedForm(_ sample: OperatorSample) throws {
    let graph = try sample.graph()
    #expect(try Graph(json: graph.json()) == graph)
  }

  // MARK: Gradient

  @Test(arguments: operatorSamples) func gradient(_ sample: OperatorSample) throws {
    var random = Random(seed: 2)
    // Gradients that are exchanged are compared over ranks, in the tests of clusters.
    guard let differentiated = sample.differentiated else {
      guard case .exchange = sample.operation.kind else {
        Issue.record("\(sample) exchanges nothing.")
        return
      }
      return
    }
    func check(_ operation: some Operator) throws {
      try expectGradientsMatchDifferences(
        of: operation, inputs: sample.inputs, differentiated: differentiated,
        differentiatedOutputs: sample.losses, random: &random, values: sample.number,
        types: sample.elementType)
    }
    if !differentiated.isEmpty { try check(sample.operation) }
    let others = sample.inputs.indices.filter { !differentiated.contains($0) }
    #expect(try sample.hasNoGradient(in: others), "An input with a gradient is not checked.")
  }

  // MARK: Plan

  @Test(arguments: operatorSamples) func plan(_ sample: OperatorSample) throws {
    var random = Random(seed: 3)
    let graph = try sample.graph(joiningExchanges: true)
    let tensors = try sample.tensors(using: &random)
    let parameters = sample.parameters(tensors)
    let expected = try sample.expected(graph, tensors)
    for machine in Machine.available {
      let (ranks, axis) = sample.ranks
      let grid = axis == .data ? try RankGrid(data: ranks) : try RankGrid(groups: ranks)
      let results = try InProcessRanks.run(grid, threadCount: 1) { rank, _, pool in
        var options = CompileOptions(pool: pool)
        options.machine = machine
        options.communicators = rank.communicators
        let plan = try graph.compiled(parameters: parameters, options: options)
        return try plan.run(named: ["x": tensors[0]])
      }
      // The references are those of the rank that the samples name, the second of several.
      let own = results[min(1, ranks - 1)]
      for (output, wanted) in zip(graph.outputs, expected) {
        expectClose(try #require(own[output.name]), wanted, "\(sample) on \(machine.name)")
      }
    }
  }

  // MARK: ONNX

  @Test(arguments: operatorSamples) func export(_ sample: OperatorSample) throws {
    var random = Random(seed: 4)
    let tensors = try sample.tensors(using: &random)
    let model = try Model(sample.graph(), parameters: sample.parameters(tensors))
    guard !withoutONNX.contains(type(of: sample.operation).name) else {
      #expect(throws: ConvoyError.self) { try ONNXModel.encoded(model) }
      return
    }
    let batch = sample.inputs[0].dimensions.first ?? 1
    let again = try ONNXModel(ONNXModel.encoded(model)).model(batch: batch).simplified()
    let results = try again.graph.compiled(parameters: again.parameters)
      .run(named: ["x": tensors[0]])
    let expected = try sample.expected(model.graph, tensors)
    for (output, wanted) in zip(model.graph.outputs, expected) {
      expectClose(try #require(results[output.name]), wanted, "\(sample)")
    }
  }

  /// Operators of which ONNX, a format of networks that are run, has no form, those of training and of
  /// ranks, or has one only after the version that is written.
  private let withoutONNX: Set<String> = [
    AdamUpdate.name, AllGather.name, AllReduce.name, AllReduceBegin.name, AllReduceEnd.name,
    BatchNormalizationGradient.name, BatchNormalizationTraining.name, Broadcast.name,
    ConvolutionWeightGradient.name, CrossEntropy.name, CrossEntropyGradient.name,
    DeformableConvolution.name, DropoutTraining.name, ElementwiseGradient.name,
    LinearInputGradient.name, LinearWeightGradient.name, LocalResponseNormalizationGradient.name,
    MomentumUpdate.name, PoolingGradient.name, RMSpropUpdate.name, RankShare.name, Recurrence.name,
    ReduceScatter.name, Replicated.name, ResizeGradient.name, SliceGradient.name,
    SoftmaxGradient.name, SynchronizedBatchNormalization.name,
    SynchronizedBatchNormalizationGradient.name,
  ]

  // MARK: Partition

  /// Behind a convolution of two groups, on two ranks that compute a group each.
  @Test(arguments: operatorSamples.filter(\.canBeDivided))
  func partition(_ sample: OperatorSample) throws {
    var random = Random(seed: 5)
    let graph = try sample.graphBehindGroups()
    let tensors = try sample.tensors(using: &random)
    var parameters = sample.parameters(tensors)
    let groups = try #require(graph.value(named: "groups.weight"))
    parameters["groups.weight"] = Tensor(normal: graph[groups].shape, using: &random)
    let image = Tensor(normal: graph[graph.inputs[0]].shape, using: &random)
    var given = [graph.inputs[0]: ReferenceTensor(image)]
    for id in graph.parameters {
      given[id] = parameters[graph[id].name].map { ReferenceTensor($0) }
    }
    let known = graph.evaluatedByReference(given)

    let partition = try graph.partitioned(groups: 2, batch: image.shape[0])
    var shares = [parameters, parameters]
    for rank in 0..<2 {
      for (name, tensor) in parameters {
        shares[rank][name] = try partition.share(tensor, named: name, rank: rank)
      }
    }
    let results = try InProcessRanks.run(RankGrid(groups: 2), threadCount: 1) {
      [shares] rank, _, pool in
      var options = CompileOptions(pool: pool)
      options.communicators = rank.communicators
      let own = try partition.graph(rank: rank.groupRank)
      return try own.compiled(parameters: shares[rank.groupRank], options: options)
        .run(named: ["x": image])
    }
    for output in graph.outputs {
      let wanted = try #require(known[output.value])
      for result in results {
        expectClose(try #require(result[output.name]), wanted, "\(sample)")
      }
    }
    let node = try #require(graph.nodes.last)
    let isDivided = partition.dividedNodes.contains(node.name)
    switch graph.traits(of: node).channels {
    case .alike, .byVector, .runs: if node.inputs.count == 1 { #expect(isDivided, "\(sample)") }
    case .byPlace, .mixed:
      // Layers are divided by their groups or outputs; all else that mixes channels is not.
      if case .layer = node.operation.kind { break }
      #expect(!isDivided, "\(sample)")
    }
  }
}
