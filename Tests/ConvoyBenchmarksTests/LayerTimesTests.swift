import ConvoyBenchmarks
import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct LayerTimesTests {
  static func network() throws -> Network {
    try Network(input: [3, 8, 8]) { image in
      let first = image.convolution(16, kernel: 3, padding: 1, bias: false, name: "conv1")
        .batchNormalization(name: "norm1").relu()
      let second = first.convolution(16, kernel: 3, padding: 1, bias: false, name: "conv2")
        .batchNormalization(name: "norm2")
      return (first + second).relu().maxPooling(2, name: "pool")
        .globalAveragePooling(name: "means").flattened().dropout(name: "drop")
        .linear(4, name: "scores")
    }
  }

  static let options = CompileOptions(pool: ThreadPool(threadCount: 1))

  @Test func everyLayersTimeIsFound() throws {
    let network = try Self.network()
    let measurement = try network.initialized(seed: 1).measured(options: Self.options)
    let times = measurement.layerTimes(of: network.graph)
    #expect(times.count == network.graph.nodes.count)
    let byName = Dictionary(uniqueKeysWithValues: zip(network.graph.nodes.map(\.name), times))
    for name in ["conv1", "conv2", "pool", "means", "scores"] {
      guard case .own(let time) = byName[name] else {
        Issue.record("\(name) has no time of its own.")
        continue
      }
      #expect(time.milliseconds > 0)
    }
    #expect(byName["norm1"] == .within("conv1"))
    #expect(byName["norm2"] == .within("conv2"))
    #expect(byName["drop"] == .nothing)
    // The sum and the function after it are added to the second convolution.
    let fused = network.graph.nodes.filter {
      ["add", "elementwise"].contains(type(of: $0.operation).name)
    }
    for node in fused.dropFirst() { #expect(byName[node.name] == .within("conv2"), "\(node.name)") }

    // Nothing is counted twice, nothing is left out.
    let own = times.reduce(0.0) { sum, time in
      if case .own(let time) = time { sum + time.milliseconds } else { sum }
    }
    let all = measurement.operators.reduce(0) { $0 + $1.milliseconds }
    let outside = measurement.millisecondsOutsideLayers(of: network.graph)
    #expect(abs(own + outside - all) <= 1e-9 * all)
  }

  @Test(arguments: LayerBenchmark.Direction.allCases)
  func layersOfANetworkAreTimedByThemselves(direction: LayerBenchmark.Direction) throws {
    let benchmark = LayerBenchmark(direction: direction, options: Self.options)
    let network = try Network(input: [4, 6, 6]) { image in
      image.convolution(8, kernel: [3, 1], stride: 2, groups: 2, name: "grouped").relu()
        .transposedConvolution(4, kernel: 2, stride: 2, name: "upwards")
    }
    for node in network.graph.nodes where ["grouped", "upwards"].contains(node.name) {
      let measured = try benchmark.measure(node, of: network.graph)
      #expect(measured.name == node.name)
      #expect(measured.milliseconds > 0)
      #expect(!measured.kernel.isEmpty)
    }
  }
}
