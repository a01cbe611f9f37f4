import ConvoyEngine
import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Testing

@Suite struct LayerExplanationTests {
  @Test func readsWhatItWrites() throws {
    let layer = try LayerDescription(
      parsing: "C=8 N=12  K=3x5 groups=4 size=9x7 stride=2 dilation=1x3 batch=2 transposed=yes")
    #expect(layer.kernel == [3, 5])
    #expect(layer.stride == [2, 2])
    #expect(layer.padding == [1, 6])
    #expect(layer.isTransposed)
    #expect(try LayerDescription(parsing: layer.text) == layer)
  }

  @Test(
    arguments: [
      ("", "C is missing"), ("C=1 N=1 K=3", "size is missing"), ("C=1 C=1", "comes twice"),
      ("fly", "is written like"), ("C=1 N=1 K=3 size=3 width=2", "got ‘width’"),
      ("C=one N=1 K=3 size=3", "‘C’ should be a whole number from 1 to 1048576, got ‘one’"),
      ("C=0 N=1 K=3 size=3", "got ‘0’"), ("C=1 N=1 K=3x size=3", "got ‘3x’"),
      ("C=1 N=1 K=3x3x3 size=3", "got ‘3x3x3’"), ("C=1 N=1 K=3 size=3 padding=-1", "got ‘-1’"),
      ("C=6 N=8 K=1 size=1 groups=4", "divide both C=6 and N=8, got 4"),
      ("C=1 N=1 K=5 padding=0 size=3x9", "image of 3×9, got one that spans 5×5"),
      ("C=1 N=1 K=1 size=1 transposed=1", "yes or no"),
      ("C=1048576 N=1 K=1 size=1048576", "The image should have at most"),
      ("C=1 N=1 K=1 padding=2 size=3 transposed=yes", "output, got one of -1×-1"),
      ("C=1048576 N=1 K=1023 size=1", "The filter should have at most"),
      ("C=1 N=1 K=1 size=1048576 stride=1024 transposed=yes", "The image should have at most"),
    ])
  func malformedLayersAreRefused(text: String, part: String) {
    let error = #expect(throws: ConvoyError.self) { try LayerDescription(parsing: text) }
    #expect(error?.kind == .argument)
    #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
  }

  /// The law's factors multiply to what the graph counts, groups divide it, and the tensors' bytes add up.
  @Test func theLawHolds() throws {
    var random = Random(seed: 81)
    for _ in 0..<60 {
      let groups = 1 + random.below(6)
      var layer = try LayerDescription(
        parsing: "C=\(groups * (1 + random.below(9))) N=\(groups * (1 + random.below(9))) "
          + "K=\(1 + random.below(4))x\(1 + random.below(4)) groups=\(groups) "
          + "size=\(6 + random.below(9))x\(6 + random.below(9)) stride=\(1 + random.below(2)) "
          + "batch=\(1 + random.below(3)) transposed=\(random.below(2) == 0 ? "yes" : "no")")
      let grouped = try LayerExplanation(layer, isa: "portable")
      #expect(grouped.factors.reduce(1) { $0 * $1.value } == grouped.multiplyAdds)
      layer.groups = 1
      let dense = try LayerExplanation(layer, isa: "portable")
      #expect(dense.multiplyAdds == grouped.multiplyAdds * grouped.groupSaving)
      #expect(dense.parameters == grouped.parameters * grouped.groupSaving)
      let bytes = grouped.inputBytes + grouped.weightBytes + grouped.outputBytes
      let operations = 2 * Double(grouped.multiplyAdds)
      #expect(abs(grouped.operationsPerByte * Double(bytes) - operations) <= 1e-9 * operations)
    }
  }

  /// What is explained is what a plan runs, on every machine.
  @Test(
    arguments: [
      "C=32 N=32 K=3 groups=8 size=8", "C=20 N=40 K=1 size=5", "C=16 N=16 K=3 groups=16 size=7",
      "C=136 N=136 K=1 groups=2 size=4", "C=18 N=6 K=3 groups=6 size=9 stride=2",
      "C=16 N=32 K=4 stride=2 size=6 transposed=yes",
    ], Machine.available.map(\.name))
  func explainsWhatPlansRun(text: String, isa: String) throws {
    let layer = try LayerDescription(parsing: text)
    let explanation = try LayerExplanation(layer, isa: isa)
    #expect(explanation.machine == isa)
    let chosen = explanation.candidates.filter(\.isChosen)
    #expect(chosen.count == 1 && chosen[0].refusal == nil)
    #expect(explanation.candidates.first { $0.refusal == nil } == chosen[0])
    #expect(explanation.detail.isEmpty == explanation.kernel.hasPrefix("portable"))

    var options = CompileOptions(pool: ThreadPool(threadCount: 1))
    options.machine = try #require(Machine.available.first { $0.name == isa })
    let network = try layer.network()
    let plan = try network.graph.compiled(
      parameters: network.initialized(seed: 1).parameters, options: options)
    let image = Tensor(Shape([1, layer.inputChannels] + layer.size), repeating: 1)
    let kernels = try plan.profile(named: ["image": image], runs: 1).map(\.kernel)
    #expect(kernels.contains(explanation.kernel), "\(kernels)")
  }

  @Test func unknownMachinesAreRefused() throws {
    let layer = try LayerDescription(parsing: "C=1 N=1 K=1 size=1")
    let error = #expect(throws: ConvoyError.self) { try LayerExplanation(layer, isa: "sse") }
    #expect(error?.message.contains("portable") == true)
  }
}
