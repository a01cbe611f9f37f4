import ConvoyTensors
import Testing

@testable import ConvoyGraphs

/// The operators that move numbers: concatenation, slice, shuffle, transpose, pad.
@Suite struct ArrangementTests {
  static func randomShape(rank: Int, _ random: inout Random) -> Shape {
    Shape((0..<rank).map { _ in 1 + random.below(4) })
  }

  static func randomSlice(of shape: Shape, _ random: inout Random) -> AxisSlice {
    let dimension = random.below(shape.rank)
    let start = random.below(shape[dimension])
    let end = start + 1 + random.below(shape[dimension] - start)
    return AxisSlice(dimension: dimension, start: start, end: end, step: 1 + random.below(3))
  }

  // MARK: Gradients

  @Test func gradientsMatchDifferences() throws {
    var random = Random(seed: 1)
    for _ in 0..<12 {
      let shape = Self.randomShape(rank: 2 + random.below(3), &random)
      let slice = Self.randomSlice(of: shape, &random)
      try expectGradientsMatchDifferences(of: slice, inputs: [shape], random: &random)

      let cut = try slice.outputShapes(for: [shape])[0]
      let gradient = SliceGradient(slice: slice, extent: shape[slice.dimension])
      #expect(try gradient.outputShapes(for: [cut]) == [shape])
      try expectGradientsMatchDifferences(of: gradient, inputs: [cut], random: &random)

      let permutation = Array(0..<shape.rank).shuffled(using: &random)
      try expectGradientsMatchDifferences(
        of: Transpose(permutation: permutation), inputs: [shape], random: &random)

      let pad = Pad(
        before: shape.dimensions.map { _ in random.below(3) },
        after: shape.dimensions.map { _ in random.below(3) }, value: 0.5)
      try expectGradientsMatchDifferences(of: pad, inputs: [shape], random: &random)

      let dimension = random.below(shape.rank)
      let parts = (0...random.below(3)).map { _ in
        var extents = shape.dimensions
        extents[dimension] = 1 + random.below(3)
        return Shape(extents)
      }
      try expectGradientsMatchDifferences(
        of: Concatenation(dimension: dimension), inputs: parts, random: &random)

      let (groups, width) = (1 + random.below(3), 1 + random.below(3))
      try expectGradientsMatchDifferences(
        of: ChannelShuffle(groups: groups), inputs: [[2, groups * width, 2]], random: &random)
    }
  }

  // MARK: Identities

  @Test func slicesOfAConcatenationAreItsInputs() throws {
    var random = Random(seed: 2)
    for _ in 0..<20 {
      let shape = Self.randomShape(rank: 1 + random.below(4), &random)
      let dimension = random.below(shape.rank)
      let parts = (0..<3).map { _ in
        var extents = shape.dimensions
        extents[dimension] = 1 + random.below(4)
        return ReferenceTensor(normal: Shape(extents), using: &random)
      }
      let whole = try referenceOutputs(of: Concatenation(dimension: dimension), parts)[0]
      var start = 0
      for part in parts {
        let end = start + part.shape[dimension]
        let slice = AxisSlice(dimension: dimension, start: start, end: end)
        #expect(try referenceOutputs(of: slice, [whole]) == [part])
        start = end
      }
    }
  }

  @Test func steppedSlicesTakeEveryFewElements() throws {
    let ten = ReferenceTensor([10], (0..<10).map(Double.init))
    let slice = AxisSlice(dimension: 0, start: 1, end: 9, step: 3)
    #expect(try referenceOutputs(of: slice, [ten])[0].elements == [1, 4, 7])
    let gradient = SliceGradient(slice: slice, extent: 10)
    let back = try referenceOutputs(of: gradient, [ReferenceTensor([3], [1, 4, 7])])[0]
    #expect(back.elements == [0, 1, 0, 0, 4, 0, 0, 7, 0, 0])
  }

  @Test func unshuffleUndoesShuffle() throws {
    var random = Random(seed: 3)
    for groups in 1...4 {
      for width in 1...4 {
        let image = ReferenceTensor(normal: [2, groups * width, 3], using: &random)
        let shuffled = try referenceOutputs(of: ChannelShuffle(groups: groups), [image])
        #expect(try referenceOutputs(of: ChannelShuffle(groups: width), shuffled) == [image])

        let table = try referenceOutputs(of: Reshape([0, groups, width, 3]), [image])
        let turned = try referenceOutputs(of: Transpose(permutation: [0, 2, 1, 3]), table)
        #expect(try referenceOutputs(of: Reshape([0, groups * width, 3]), turned) == shuffled)

        for g in 0..<groups {
          for j in 0..<width {
            #expect(shuffled[0][[1, j * groups + g, 2]] == image[[1, g * width + j, 2]])
          }
        }
      }
    }
  }

  @Test func transposesOneAfterAnotherCompose() throws {
    var random = Random(seed: 4)
    for _ in 0..<20 {
      let x = ReferenceTensor(
        normal: Self.randomShape(rank: random.below(5), &random), using: &random)
      let first = Array(0..<x.shape.rank).shuffled(using: &random)
      let second = Array(0..<x.shape.rank).shuffled(using: &random)
      let once = try referenceOutputs(of: Transpose(permutation: first), [x])
      let both = try referenceOutputs(of: Transpose(permutation: second), once)
      #expect(
        try referenceOutputs(of: Transpose(permutation: second.map { first[$0] }), [x]) == both)
    }
    let x = ReferenceTensor([2, 3], [1, 2, 3, 4, 5, 6])
    let turned = try referenceOutputs(of: Transpose(permutation: [1, 0]), [x])
    #expect(turned == [ReferenceTensor([3, 2], [1, 4, 2, 5, 3, 6])])
  }

  @Test func paddingSurroundsAndSlicingCropsIt() throws {
    var random = Random(seed: 5)
    for _ in 0..<20 {
      let x = ReferenceTensor(
        normal: Self.randomShape(rank: 1 + random.below(3), &random), using: &random)
      let before = x.shape.dimensions.map { _ in random.below(3) }
      let after = x.shape.dimensions.map { _ in random.below(3) }
      let padded = try referenceOutputs(of: Pad(before: before, after: after, value: -3), [x])
      let surroundings = padded[0].elements.count - x.elements.count
      #expect(padded[0].elements.count { $0 == -3 } == surroundings)
      var cropped = padded
      for (d, extent) in x.shape.dimensions.enumerated() {
        let slice = AxisSlice(dimension: d, start: before[d], end: before[d] + extent)
        cropped = try referenceOutputs(of: slice, cropped)
      }
      #expect(cropped == [x])
    }
  }

  @Test func splittingIsSlicingPartByPart() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", [2, 6, 3])
    let thirds = image.split(into: 3)
    let uneven = image.split(sizes: [1, 5])
    let rows = image.split(into: 3, dimension: 2)
    #expect(thirds.map(\.shape) == [[2, 2, 3], [2, 2, 3], [2, 2, 3]])
    #expect(uneven.map(\.shape) == [[2, 1, 3], [2, 5, 3]])
    #expect(rows.map(\.shape) == [[2, 6, 1], [2, 6, 1], [2, 6, 1]])
    builder.output("same", concatenate(thirds) - concatenate(uneven))
    builder.output("image", concatenate(rows, dimension: 2))
    let graph = try builder.finish()
    var random = Random(seed: 6)
    let x = ReferenceTensor(normal: [2, 6, 3], using: &random)
    let values = graph.evaluatedByReference([image.id: x])
    #expect(values[graph.outputs[0].value]?.elements.allSatisfy { $0 == 0 } == true)
    #expect(values[graph.outputs[1].value] == x)
  }

  // MARK: Refusals

  @Test func refusesWhatDoesNotFit() {
    expectRefusal(
      of: Concatenation(dimension: 1), inputs: [], "expected at least 1 input, got none")
    expectRefusal(
      of: Concatenation(dimension: 1), inputs: [[2, 3, 4], [2, 5, 5]],
      "expected inputs that differ from 2×3×4 in dimension 1 only, got 2×5×5")
    expectRefusal(
      of: Concatenation(dimension: -1), inputs: [[2, 3]],
      "expected a dimension from 0 to below the rank of 2×3, got -1")
    expectRefusal(
      of: AxisSlice(dimension: 1, start: 2, end: 8), inputs: [[2, 6]],
      "expected a range of at least 1 within the 6 of dimension 1, got 2 to 8")
    expectRefusal(
      of: AxisSlice(dimension: 1, start: 2, end: 3, step: 0), inputs: [[2, 6]],
      "expected a step of at least 1, got 0")
    expectRefusal(
      of: SliceGradient(slice: AxisSlice(dimension: 0, start: 0, end: 4, step: 2), extent: 6),
      inputs: [[3]],
      "expected an extent of 2 in dimension 0, got 3")
    expectRefusal(
      of: ChannelShuffle(groups: 4), inputs: [[1, 6, 2]],
      "expected a number of groups that divides the 6 channels, got 4")
    expectRefusal(
      of: Transpose(permutation: [0, 0]), inputs: [[2, 3]],
      "expected each dimension of 2×3 once, counted from 0, got [0, 0]")
    expectRefusal(
      of: Pad(before: [0, -1], after: [0, 0], value: 0), inputs: [[2, 3]],
      "expected a padding before of at least 0 for each dimension of 2×3, got [0, -1]")
  }

  @Test(arguments: [Int.min, -1, 0, 4, Int.max])
  func refusedSplitsStillGiveEnoughParts(_ count: Int) {
    let builder = GraphBuilder()
    let parts = builder.input("image", [1, 6, 2]).split(into: count)
    #expect(!parts.isEmpty && (count != 4 || parts.count == 4))
    #expect(
      builder.failure?.message
        == "image: expected a number of parts that divides dimension 1 of 1×6×2, got \(count).")
  }

  @Test(arguments: [[], [0, 6], [7], [Int.max, Int.max, 8], [-1, 7]])
  func refusesSizesThatDoNotAddUp(_ sizes: [Int]) {
    let builder = GraphBuilder()
    let parts = builder.input("image", [1, 6, 2]).split(sizes: sizes)
    #expect(parts.count == max(sizes.count, 1))
    #expect(builder.failure != nil)
  }
}
