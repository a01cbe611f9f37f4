import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct RefusalTests {
  @Test func whatDoesNotFitInMemoryIsRefusedBeforeAnyWork() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", [1, 1, 1 << 38])
    builder.output("pooled", image.maxPooling(3, stride: 1, padding: 1))
    let graph = try builder.finish()
    let error = #expect(throws: ConvoyError.self) { try graph.compiled(parameters: [:]) }
    #expect(error?.kind == .resource)
    #expect(error?.message.hasPrefix("image has 274877906944 elements") == true)
  }

  @Test func hugeStridesOfTransposedConvolutionsAreRefused() {
    let error = #expect(throws: ConvoyError.self) {
      try Network(input: [4, 1, 1]) {
        $0.transposedConvolution(4, kernel: 1, stride: 5000, outputPadding: 4999)
      }
    }
    #expect(error?.message.contains("at most 4096") == true)
  }

  @Test func inputsAreNamedAndShaped() throws {
    let network = try Network(input: [3, 4, 4]) { $0.convolution(2, kernel: 3) }
    let plan = try network.initialized(seed: 1).compiled()
    for (inputs, text) in [
      ([:], "The network needs an input image of shape 1×3×4×4; none was given."),
      (
        ["image": Tensor([1, 3, 5, 4])],
        "The input image was compiled for shape 1×3×4×4, got 1×3×5×4."
      ),
      (
        ["image": Tensor([1, 3, 4, 4]), "mask": Tensor([1])],
        "The network has no input mask; its inputs are image."
      ),
    ] as [([String: Tensor], String)] {
      let error = #expect(throws: ConvoyError.self) { try plan.run(named: inputs) }
      #expect(error?.message == text)
    }
  }
}
