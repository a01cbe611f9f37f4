import ConvoyEngine
import ConvoyTensors
import Testing

@testable import ConvoyGraphs

extension Model {
  /// The outputs by the reference, in the graph's order.
  func outputsByReference(_ image: ReferenceTensor) throws -> [ReferenceTensor] {
    var given = parameters.mapValues { ReferenceTensor($0) }
    given["image"] = image
    let outputs = try graph.outputsByReference(given)
    return try graph.outputs.map { try #require(outputs[$0.name]) }
  }

  /// A network with numbers for all parameters as training could leave them: none at its start, the
  /// variances positive.
  init(trained network: Network, seed: UInt64) throws {
    var random = Random(seed: seed)
    let drawn = network.initialized(seed: seed).parameters
    var parameters: [String: Tensor] = [:]
    for name in drawn.keys.sorted() {
      let shape = try #require(drawn[name]).shape
      parameters[name] =
        name.hasSuffix("running_var")
        ? Tensor(uniform: shape, in: 0.25...2, using: &random)
        : shape.rank == 1
          ? Tensor(normal: shape, mean: 0.5, deviation: 0.5, using: &random) : drawn[name]
    }
    try self.init(network.graph, parameters: parameters)
  }
}

@Suite struct SimplifyTests {
  /// Simplifies, and checks that the outputs are the same to single precision.
  ///
  /// Folding rounds each weight once: half an ulp, 6e-8 of a weight, and the outputs are sums of some
  /// tens of products near 1.
  func simplified(
    _ network: Network, seed: UInt64, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Model {
    let model = try Model(trained: network, seed: seed)
    let simple = try model.simplified()
    try simple.graph.verify()
    _ = try Model(simple.graph, parameters: simple.parameters)
    var random = Random(seed: seed)
    let image = ReferenceTensor(
      normal: network.graph[network.graph.inputs[0]].shape, using: &random)
    let (before, after) = (
      try model.outputsByReference(image), try simple.outputsByReference(image)
    )
    #expect(before.count == after.count)
    for (a, b) in zip(before, after) {
      let scale = a.elements.reduce(1) { max($0, abs($1)) }
      #expect(a.shape == b.shape, sourceLocation: sourceLocation)
      for (x, y) in zip(a.elements, b.elements) {
        #expect(abs(x - y) <= 1e-6 * scale, sourceLocation: sourceLocation)
      }
    }
    #expect(try simple.simplified().graph.nodes.map(\.name) == simple.graph.nodes.map(\.name))
    return simple
  }

  func operators(_ model: Model) -> [String] {
    model.graph.nodes.map { type(of: $0.operation).name }
  }

  func parameterNames(_ model: Model) -> Set<String> {
    Set(model.graph.parameters.map { model.graph[$0].name })
  }

  @Test(arguments: [false, true])
  func foldsIntoConvolutions(_ bias: Bool) throws {
    let network = try Network(input: [4, 6, 6]) { image in
      image
        .convolution(8, kernel: 3, padding: 1, bias: bias, name: "conv1")
        .batchNormalization(name: "norm1").relu().dropout(name: "drop")
        .convolution(8, kernel: 3, groups: 4, bias: bias, name: "conv2")
        .batchNormalization(name: "norm2").relu()
    }
    let simple = try simplified(network, seed: 1)
    #expect(operators(simple) == ["convolution", "elementwise", "convolution", "elementwise"])
    #expect(
      parameterNames(simple) == ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"])
    #expect(Set(simple.parameters.keys) == parameterNames(simple))
  }

  @Test func foldsIntoTransposedConvolutionsAndLinearLayers() throws {
    let network = try Network(input: [4, 3, 3]) { image in
      image
        .transposedConvolution(6, kernel: 3, stride: 2, groups: 2, bias: false, name: "up")
        .batchNormalization(name: "norm1").relu().flattened()
        .linear(5, name: "fc").batchNormalization(name: "norm2")
    }
    let simple = try simplified(network, seed: 2)
    #expect(operators(simple) == ["transposedConvolution", "elementwise", "reshape", "linear"])
    #expect(parameterNames(simple) == ["up.weight", "up.bias", "fc.weight", "fc.bias"])
  }

  @Test func foldsOneAfterAnother() throws {
    let network = try Network(input: [2, 4, 4]) { image in
      image.convolution(3, kernel: 1, name: "conv").dropout()
        .batchNormalization(name: "norm1").scaled(by: 1).batchNormalization(name: "norm2")
    }
    #expect(operators(try simplified(network, seed: 3)) == ["convolution"])
  }

  @Test func keepsWhatDoesNotFollowALayer() throws {
    let network = try Network(input: [4, 6, 6]) { image in
      image.batchNormalization(name: "norm1").convolution(4, kernel: 3, name: "conv").relu()
        .batchNormalization(name: "norm2")
    }
    let simple = try simplified(network, seed: 4)
    #expect(operators(simple).count { $0 == "batchNormalization" } == 2)
    #expect(parameterNames(simple) == parameterNames(try Model(trained: network, seed: 4)))
  }

  @Test func keepsWhatOthersReadToo() throws {
    let branched = try Network(input: [4, 6, 6]) { image in
      let convolved = image.convolution(4, kernel: 3, name: "conv")
      return convolved.batchNormalization(name: "norm") + convolved.relu()
    }
    #expect(operators(try simplified(branched, seed: 5)).contains("batchNormalization"))

    let shared = try Network(input: [4, 6, 6]) { image in
      let once = image.convolution(4, kernel: 3, padding: 1, name: "conv")
        .batchNormalization(name: "norm1")
      return once.convolution(4, kernel: 3, padding: 1, name: "conv")
        .batchNormalization(name: "norm2")
    }
    let simple = try simplified(shared, seed: 6)
    #expect(operators(simple).count { $0 == "batchNormalization" } == 2)

    let builder = GraphBuilder()
    let convolved = builder.input("image", [1, 4, 6, 6]).convolution(4, kernel: 3, name: "conv")
    builder.output("before", convolved)
    builder.output("after", convolved.batchNormalization(name: "norm"))
    let observed = try simplified(Network(try builder.finish()), seed: 7)
    #expect(operators(observed) == ["convolution", "batchNormalization"])
  }

  @Test func keepsParametersThatARunChanges() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", [1, 2, 3, 3])
    let normal = image.convolution(2, kernel: 1, name: "conv").batchNormalization(name: "norm")
    builder.output("y", normal)
    let graph = try builder.finish()
    let mean = try #require(graph.value(named: "norm.running_mean"))
    let handle = Value(builder: builder, id: mean)
    builder.update(handle, to: handle.scaled(by: 0.5))
    let simple = try simplified(Network(try builder.finish()), seed: 8)
    #expect(operators(simple).contains("batchNormalization"))
  }

  @Test func foldsConstantsAsConstants() throws {
    let builder = GraphBuilder()
    var random = Random(seed: 9)
    let image = builder.input("image", [1, 2, 4, 4])
    let weights = builder.constant(Tensor(normal: [3, 2, 3, 3], using: &random), name: "w")
    let perChannel = (0..<4).map { _ in
      builder.constant(Tensor(uniform: [3], in: 0.5...1.5, using: &random))
    }
    let normal = builder.apply(
      BatchNormalization(epsilon: 1e-3, momentum: 0.1),
      to: [image.convolution(weights: weights)] + perChannel)
    builder.output("y", normal[0])
    let simple = try simplified(Network(try builder.finish()), seed: 9)
    #expect(operators(simple) == ["convolution"])
    #expect(parameterNames(simple) == ["convolution.bias"])
  }

  @Test func removesWhatChangesNothing() throws {
    let network = try Network(input: [4, 3, 3]) { image in
      let moved = image.scaled(by: 1).reshaped([0, 4, 3, -1]).transposed([0, 1, 2, 3])
        .padded(before: [0, 0, 0, 0], after: [0, 0, 0, 0]).channelShuffle(groups: 1)
        .channelShuffle(groups: 4).dropout()
      return concatenate([moved]).relu()
    }
    #expect(operators(try simplified(network, seed: 10)) == ["elementwise"])
  }

  @Test func keepsReshapesThatOnlyThisBatchLeavesAlone() throws {
    let network = try Network(input: [4]) { $0.reshaped([1, -1]).relu() }
    let simple = try simplified(network, seed: 11)
    #expect(operators(simple) == ["reshape", "elementwise"])
    let graph = try simple.graph.resized(batch: 3)
    #expect(graph[graph.outputs[0].value].shape == [1, 12])
  }

  @Test func biasesGetNamesOfTheirOwn() throws {
    let network = try Network(input: [2, 3, 3]) { image in
      let taken = image.builder.parameter("conv.bias", [1], Parameter(.constant(1)))
      return image.convolution(2, kernel: 1, bias: false, name: "conv")
        .batchNormalization(name: "norm").maximum(taken)
    }
    let simple = try simplified(network, seed: 12)
    #expect(parameterNames(simple) == ["conv.weight", "conv.bias", "conv.bias_"])
  }
}
