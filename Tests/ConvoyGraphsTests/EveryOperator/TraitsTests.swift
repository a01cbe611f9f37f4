import ConvoyGraphs
import ConvoyTensors
import Testing

/// What operators say of themselves is true of their references.
@Suite struct TraitsTests {
  // MARK: Effect

  @Test(arguments: operatorSamples) func effect(_ sample: OperatorSample) throws {
    var random = Random(seed: 11)
    let tensors = try sample.tensors(using: &random)
    let made = try sample.reference(tensors)
    switch try sample.traits.effect {
    case .nothing: #expect(made == [ReferenceTensor(tensors[0])])
    case .reshapes: #expect(made.map(\.elements) == [ReferenceTensor(tensors[0]).elements])
    case .moves:
      let given = Set(tensors.flatMap { ReferenceTensor($0).elements })
      let others = Set(made.flatMap(\.elements)).subtracting(given)
      #expect(others.count <= 1, "Numbers that are none of the inputs': \(others)")
    case .computes: break
    case .finds:
      #expect(made.count == 1)
      let length = made[0].shape.elementCount / made[0].shape[0]
      let isSpare = (0..<made[0].shape[0]).map { row in
        made[0].elements[row * length..<(row + 1) * length].allSatisfy { $0 == -1 }
      }
      #expect(isSpare.drop { !$0 }.allSatisfy { $0 })
    }
  }

  // MARK: Passage

  @Test(arguments: operatorSamples) func channels(_ sample: OperatorSample) throws {
    try expectPassage(sample, try sample.traits.channels, along: 1)
  }

  @Test(arguments: operatorSamples) func pixels(_ sample: OperatorSample) throws {
    for dimension in 2..<max(2, sample.inputs[0].rank) {
      try expectPassage(sample, try sample.traits.pixels, along: dimension)
    }
  }

  private func expectPassage(
    _ sample: OperatorSample, _ passage: OperatorTraits.Passage, along dimension: Int
  ) throws {
    let first = sample.inputs[0]
    guard first.rank > dimension else { return }
    var random = Random(seed: 12)
    let tensors = try sample.tensors(using: &random).map { ReferenceTensor($0) }
    let outputs = try sample.operation.outputShapes(for: sample.inputs)
    let made = sample.operation.reference(tensors, outputs: outputs)
    switch passage {
    case .alike, .byVector:
      // In another order of positions the inputs make the outputs in that order.
      let order = (0..<first[dimension]).shuffled(using: &random)
      func reordered(_ tensor: ReferenceTensor) -> ReferenceTensor {
        let isVector = passage == .byVector && tensor.shape.rank == 1
        return tensor.reordered(
          along: isVector ? 0 : dimension - (first.rank - tensor.shape.rank), order)
      }
      let again = sample.operation.reference(tensors.map(reordered), outputs: outputs)
      let expected = made.map { tensor in
        tensor.shape.rank < 2 ? reordered(tensor) : tensor.reordered(along: dimension, order)
      }
      expectClose(again, expected)
    case .byPlace:
      // A number makes a difference at its own place only.
      for index in 0..<first.elementCount {
        let changed = try sample.changes(tensors, by: [index])
        #expect(changed.allSatisfy { $0.isSubset(of: [index]) })
      }
    case .runs:
      let count = outputs[0][1] / first[1]
      for position in 0..<first[dimension] {
        let moved = first.elements(at: position, along: dimension)
        let run = (position * count..<(position + 1) * count).flatMap {
          outputs[0].elements(at: $0, along: 1)
        }
        #expect(try sample.changes(tensors, by: moved)[0] == Set(run))
      }
    case .mixed: break
    }
  }

  // MARK: Layers

  /// Groups do not see each other; rows of weights are what they are said to be; an unpadded layer makes a
  /// constant image of a constant image.
  @Test(arguments: operatorSamples) func layers(_ sample: OperatorSample) throws {
    guard case .layer(let layer) = sample.operation.kind else { return }
    var random = Random(seed: 13)
    var tensors = try sample.tensors(using: &random).map { ReferenceTensor($0) }
    let outputs = try sample.operation.outputShapes(for: sample.inputs)
    let (image, weights) = (sample.inputs[0], sample.inputs[1])
    #expect(weights[0] == (layer.weightRows == .outputs ? outputs[0][1] : image[1]))
    #expect(weights[1] == (layer.weightRows == .outputs ? image[1] : outputs[0][1]) / layer.groups)
    #expect(try sample.traits.groups ?? 1 == layer.groups)
    for channel in 0..<image[1] {
      let group = channel * layer.groups / image[1]
      let perGroup = outputs[0][1] / layer.groups
      let own = (group * perGroup..<(group + 1) * perGroup).flatMap {
        outputs[0].elements(at: $0, along: 1)
      }
      let changed = try sample.changes(tensors, by: image.elements(at: channel, along: 1))[0]
      #expect(!changed.isEmpty && changed.isSubset(of: own))
    }
    if let divided = layer.divided(into: layer.groups) {
      #expect(AnyHashable(divided) == AnyHashable(sample.operation))
    }
    tensors[0] = ReferenceTensor(image, repeating: 1)
    let made = sample.operation.reference(tensors, outputs: outputs)[0]
    let isConstant = (0..<outputs[0][1]).allSatisfy { channel in
      let numbers = outputs[0].elements(at: channel, along: 1).map { made.elements[$0] }
      return numbers.allSatisfy { abs($0 - numbers[0]) < 1e-12 * max(1, abs(numbers[0])) }
    }
    #expect(isConstant == layer.readsWholeWindows)
  }

  /// What is done to channels, if every input but the image is known, is what the reference does.
  @Test(arguments: operatorSamples) func channelAffine(_ sample: OperatorSample) throws {
    var random = Random(seed: 14)
    let tensors = try sample.tensors(using: &random)
    for image in sample.inputs.indices {
      let numbers = tensors.enumerated().map { $0 == image ? nil : $1 }
      let affine: ChannelAffine? =
        switch sample.operation.kind {
        case .channelAffine(let operation):
          operation.channelAffine(numbers: numbers, shapes: sample.inputs)
        case .arithmetic(let function):
          Arithmetic(function).channelAffine(numbers: numbers, shapes: sample.inputs)
        case .layer, .function, .exchange, .other: nil
        }
      guard let affine else { continue }
      #expect(affine.image == image)
      var expected = ReferenceTensor(tensors[image])
      for position in expected.shape.indices {
        let channel = position[1]
        expected[position] = expected[position] * affine.factors[channel] + affine.shifts[channel]
      }
      expectClose(try sample.reference(tensors), [expected])
    }
  }

  /// The kinds that say all of an operator say it truly.
  @Test(arguments: operatorSamples) func kinds(_ sample: OperatorSample) throws {
    var random = Random(seed: 15)
    let tensors = try sample.tensors(using: &random)
    switch sample.operation.kind {
    case .function(let function):
      let expected = ReferenceTensor(tensors[0]).elements.map { function($0) }
      #expect(try sample.reference(tensors).map(\.elements) == [expected])
    case .arithmetic(let function):
      let single = try Tensor([], [3])
      let pair = [single, try Tensor([], [2])].map { ReferenceTensor($0) }
      #expect(sample.operation.reference(pair, outputs: [[]])[0].elements == [function(3, 2)])
    case .layer, .channelAffine, .exchange, .other: break
    }
  }

  // MARK: Transposition

  /// The form for transposed inputs gives the transposed output.
  @Test(arguments: operatorSamples) func transposedForms(_ sample: OperatorSample) throws {
    var random = Random(seed: 16)
    let tensors = try sample.tensors(using: &random)
    let made = try sample.reference(tensors)
    let rank = tensors.map(\.shape.rank).max() ?? 0
    for _ in 0..<4 {
      let places = (0..<rank).shuffled(using: &random)
      guard let form = sample.operation.transposedForm(places: places) else {
        switch sample.operation.kind {
        case .function, .arithmetic: Issue.record("\(sample) has no form for transposed inputs.")
        case .layer, .channelAffine, .exchange, .other: break
        }
        return
      }
      let inverse = (0..<rank).map { place in places.firstIndex { $0 == place } ?? 0 }
      let bases = try tensors.map { tensor in
        let missing = Array(repeating: 1, count: rank - tensor.shape.rank)
        return try tensor.reshaped(to: Shape(missing + tensor.shape.dimensions))
          .transposed(inverse)
      }
      let outputs = try form.operation.outputShapes(for: bases.map(\.shape))
      let computed = form.operation.reference(bases.map { ReferenceTensor($0) }, outputs: outputs)
      let transpose = Transpose(permutation: form.places)
      expectClose(
        transpose.reference(
          computed, outputs: try transpose.outputShapes(for: outputs)), made)
    }
  }
}

extension OperatorSample {
  fileprivate var traits: OperatorTraits {
    get throws {
      operation.traits(inputs: inputs, outputs: try operation.outputShapes(for: inputs))
    }
  }

  /// The elements of each output that change when some elements of the first input do.
  fileprivate func changes(
    _ tensors: [ReferenceTensor], by elements: some Sequence<Int>
  ) throws -> [Set<Int>] {
    let outputs = try operation.outputShapes(for: inputs)
    var changed = tensors
    for index in elements { changed[0].elements[index] += 1 }
    let (before, after) = (
      operation.reference(tensors, outputs: outputs), operation.reference(changed, outputs: outputs)
    )
    return zip(before, after).map { before, after in
      Set(before.elements.indices.filter { before.elements[$0] != after.elements[$0] })
    }
  }
}

extension Shape {
  /// The row-major places of the elements at a position along a dimension.
  fileprivate func elements(at position: Int, along dimension: Int) -> [Int] {
    indices.enumerated().filter { $1[dimension] == position }.map(\.offset)
  }
}

extension ReferenceTensor {
  /// With the positions along a dimension in another order; itself where it has not as many.
  fileprivate func reordered(along dimension: Int, _ order: [Int]) -> ReferenceTensor {
    guard shape.dimensions.indices.contains(dimension), shape[dimension] == order.count else {
      return self
    }
    var result = self
    for position in shape.indices {
      var source = position
      source[dimension] = order[position[dimension]]
      result[position] = self[source]
    }
    return result
  }
}

/// Expects nearly the same numbers: sums are made in another order.
private func expectClose(
  _ a: [ReferenceTensor], _ b: [ReferenceTensor], sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(a.map(\.shape) == b.map(\.shape), sourceLocation: sourceLocation)
  for (a, b) in zip(a, b) {
    let isClose = zip(a.elements, b.elements).allSatisfy {
      $0 == $1 || abs($0 - $1) <= 1e-9 * max(1, abs($0))
    }
    #expect(isClose, sourceLocation: sourceLocation)
  }
}
