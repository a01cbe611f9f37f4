import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct EquivalencesTests {
  @Test func groupedIsBlockDiagonalDense() throws {
    var random = Random(seed: 1)
    for _ in 0..<30 {
      let (convolution, image, weights) = ConvolutionTests.randomCase(&random)
      let x = ReferenceTensor(normal: image, using: &random)
      let grouped = Tensor(normal: weights, using: &random)
      let dense = try blockDiagonalWeights(grouped, groups: convolution.groups)
      #expect(dense.shape[1] == image[1])
      let byGroups = try referenceOutputs(of: convolution, [x, ReferenceTensor(grouped)])[0]
      let byBlocks = try referenceOutputs(
        of: Convolution(convolution.window), [x, ReferenceTensor(dense)])[0]
      expectClose(byGroups, byBlocks)
      #expect(try groupedWeights(dense, groups: convolution.groups) == grouped)
    }
  }

  @Test func namesTheLargestWeightOutsideTheBlocks() throws {
    var dense = try blockDiagonalWeights(Tensor([4, 2, 1, 2], repeating: 1), groups: 2)
    dense[0, 2, 0, 1] = 0.125
    dense[3, 1, 0, 0] = -0.5
    let error = #expect(throws: ConvoyError.self) { try groupedWeights(dense, groups: 2) }
    #expect(
      error?.message
        == "The weights 4×4×1×2 are not those of 2 groups: the largest outside the blocks, at "
        + "[3, 1, 0, 0], is -0.5, above the tolerance of 0.0.")
    let rounded = try groupedWeights(dense, groups: 2, tolerance: 0.5)
    #expect(rounded == Tensor([4, 2, 1, 2], repeating: 1))
  }

  @Test func whatIsNoNumberIsNoZero() throws {
    var dense = try blockDiagonalWeights(Tensor([2, 1], repeating: 1), groups: 2)
    dense[0, 1] = .nan
    #expect(throws: ConvoyError.self) { try groupedWeights(dense, groups: 2, tolerance: 100) }
  }

  @Test(arguments: [-1, 0, 4, Int.max])
  func refusesGroupsThatDoNotDivide(_ groups: Int) {
    let weights = Tensor([6, 9, 1, 1])
    #expect(throws: ConvoyError.self) { try blockDiagonalWeights(weights, groups: groups) }
    #expect(throws: ConvoyError.self) { try groupedWeights(weights, groups: groups) }
    #expect(throws: ConvoyError.self) { try blockDiagonalWeights(Tensor([6]), groups: 2) }
    let error = #expect(throws: ConvoyError.self) { try groupedWeights(weights, groups: 2) }
    #expect(
      error?.message
        == "Expected a number of groups that divides the 9 input channels of weights 6×9×1×1, got 2."
    )
  }
}
