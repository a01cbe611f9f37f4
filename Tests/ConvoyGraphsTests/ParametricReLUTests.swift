import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct ParametricReLUTests {
  @Test(arguments: [[2, 3, 2, 2], [1, 58, 1, 1], [3, 5]] as [Shape])
  func gradientsMatchDifferences(_ image: Shape) throws {
    var random = Random(seed: 51)
    for slope in [[image[1]], [1]] as [Shape] {
      try expectGradientsMatchDifferences(
        of: ParametricReLU(), inputs: [image, slope], random: &random
      ) { index, random in
        // Away from the kink at 0.
        let x = random.normal()
        return index == 0 ? x + (x > 0 ? 0.1 : -0.1) : x
      }
    }
  }

  @Test func equalSlopesMakeALeakyReLU() throws {
    var random = Random(seed: 52)
    let image = ReferenceTensor(normal: [2, 3, 2, 2], using: &random)
    for slope: Float in [0, 0.25, 1] {
      let leaky = try referenceOutputs(of: Elementwise(.leakyReLU(slope: slope)), [image])
      for shape in [[3], [1]] as [Shape] {
        let slopes = ReferenceTensor(shape, repeating: Double(slope))
        #expect(try referenceOutputs(of: ParametricReLU(), [image, slopes]) == leaky)
      }
    }
  }

  @Test func theLayerStartsAtAQuarter() throws {
    let graph = try Network(input: [3, 2, 2]) { $0.parametricReLU(name: "act") }.graph
    let image = ReferenceTensor([1, 3, 2, 2], repeating: -4)
    #expect(
      try graph.outputsByReference(["image": image])["scores"]
        == ReferenceTensor(image.shape, repeating: -1))
    #expect(graph.value(named: "act.weight").map { graph[$0].shape } == [3])
  }

  @Test func refusals() {
    expectRefusal(
      of: ParametricReLU(), inputs: [[2, 3, 4], [4]], "expected a slope of shape 3 or 1, got 4")
    expectRefusal(
      of: ParametricReLU(), inputs: [[3], [3]],
      "expected an image of shape batch×channels×extents, got 3")
  }
}
