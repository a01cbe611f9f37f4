import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct QuantizationTests {
  private func quantized(
    _ numbers: [Float], to type: ElementType, scale: Float, zeroPoint: Int64
  ) throws -> [Int64] {
    let inputs = [
      try Tensor([numbers.count], numbers), Tensor(scalar: scale),
      Tensor(scalar: zeroPoint).converted(to: type),
    ]
    let made = Quantization(to: type).define(
      inputs, outputs: [TensorType([numbers.count], type)])
    #expect(made[0].type == type)
    return try made[0].converted(to: .int64).elements(as: Int64.self)
  }

  @Test func tiesGoToEven() throws {
    #expect(
      try quantized([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, 2.51], to: .int8, scale: 1, zeroPoint: 0)
        == [0, 2, 2, 0, -2, 0, 3])
    #expect(try quantized([1, 3, 5], to: .uint8, scale: 2, zeroPoint: 7) == [7, 9, 9])
  }

  @Test func whatIsOutOfRangeIsLimited() throws {
    let far: [Float] = [-.infinity, -1e30, 1e30, .infinity]
    for (type, low, high) in [
      (.int8, -128, 127), (.uint8, 0, 255), (.int16, -32768, 32767), (.uint16, 0, 65535),
    ] as [(ElementType, Int64, Int64)] {
      for zeroPoint in [low, 3, high] {
        let made = try quantized(far, to: type, scale: 0.1, zeroPoint: zeroPoint)
        #expect(made == [low, low, high, high])
      }
    }
  }

  /// What is quantised and back differs by half a scale at most.
  @Test func dequantizationInverts() throws {
    var random = Random(seed: 41)
    for type in Quantization.storageTypes {
      for scheme: QuantizationScheme in [.tensor, .axis(1), .blocks(axis: 1, size: 2)] {
        let shape: Shape = [2, 5, 3]
        let scales: Shape =
          switch scheme {
          case .tensor: []
          case .axis: [5]
          case .blocks: [2, 3, 3]
          }
        let numbers = Tensor(uniform: shape, in: -2...2, using: &random)
        let scale = Tensor(uniform: scales, in: 0.05...0.1, using: &random)
        let zeroPoints = try Tensor(
          scales, (0..<scales.elementCount).map { _ in Float(60 + random.below(9)) }
        ).converted(to: type)
        let integers = Quantization(to: type, scheme).define(
          [numbers, scale, zeroPoints], outputs: [TensorType(shape, type)])[0]
        let back = Dequantization(scheme).define(
          [integers, scale, zeroPoints], outputs: [TensorType(shape)])[0]
        for (a, b) in zip(numbers.elements, back.elements) { #expect(abs(a - b) <= 0.0501) }
      }
    }
  }

  /// Blocks of one element, and blocks as long as the dimension, are other schemes.
  @Test func blocksAreOtherSchemes() throws {
    var random = Random(seed: 42)
    let numbers = Tensor(normal: [2, 3, 2], using: &random)
    let scale = Tensor(uniform: [3], in: 0.01...0.02, using: &random)
    func made(_ scheme: QuantizationScheme, _ scale: Tensor) -> Tensor {
      Quantization(to: .int16, scheme).define(
        [numbers, scale], outputs: [TensorType([2, 3, 2], .int16)])[0]
    }
    let byElement = try Tensor(
      [2, 3, 2], (0..<12).map { scale.elements[$0 / 2 % 3] })
    #expect(made(.axis(1), scale) == made(.blocks(axis: 1, size: 1), byElement))
    let one = try Tensor([2, 1, 2], Array(repeating: 0.01, count: 4))
    #expect(made(.tensor, Tensor(scalar: 0.01)) == made(.blocks(axis: 1, size: 4), one))
  }

  // MARK: Products

  private func integers(
    _ shape: Shape, _ type: ElementType, _ random: inout Random
  ) throws -> Tensor {
    let low = type == .int8 ? -128 : 0
    return try Tensor(shape, (0..<shape.elementCount).map { _ in Float(random.below(256) + low) })
      .converted(to: type)
  }

  /// Sums of products of integers are exact in Double.
  @Test func convolutionsAreExact() throws {
    var random = Random(seed: 43)
    for _ in 0..<40 {
      let groups = 1 + random.below(2)
      let rank = 1 + random.below(3)
      let spatial = (0..<rank).map { _ in 5 + random.below(3) }
      let window = Window(
        kernel: spatial.map { _ in 1 + random.below(3) }, stride: 1 + random.below(2),
        dilation: 1 + random.below(2), padding: random.below(2) == 0 ? .same : 1,
        roundsUp: random.below(2) == 0)
      let image = Shape([2, 2 * groups] + spatial)
      let weights = Shape([3 * groups, 2] + window.kernel)
      let types: [ElementType] = [.int8, .uint8]
      let inputs = [
        try integers(image, types[random.below(2)], &random),
        try integers(weights, types[random.below(2)], &random),
      ]
      let zeroPoints = [
        try integers([], inputs[0].type, &random),
        try integers(
          Shape([3 * groups, 1] + spatial.map { _ in 1 }), inputs[1].type, &random),
      ]
      let convolution = IntegerConvolution(window, groups: groups)
      let given = inputs + zeroPoints.prefix(random.below(3))
      guard let shape = try? convolution.outputShapes(for: given.map(\.shape))[0] else { continue }
      let made = convolution.define(given, outputs: [TensorType(shape, .int32)])
      let differences = try difference(given)
      let wanted = Convolution(window, groups: groups).reference(differences, outputs: [shape])
      #expect(made[0].doubles == wanted[0].elements)
    }
  }

  @Test func matrixProductsAreExact() throws {
    var random = Random(seed: 44)
    for (a, b, zeroA, zeroB) in [
      ([3, 4], [4, 2], [3, 1], [2]), ([2, 1, 3, 4], [5, 4, 2], [], [5, 1, 2]),
      ([3, 4], [2, 4, 2], [1], []),
    ] as [(Shape, Shape, Shape, Shape)] {
      let inputs = [
        try integers(a, .uint8, &random), try integers(b, .int8, &random),
        try integers(zeroA, .uint8, &random), try integers(zeroB, .int8, &random),
      ]
      for count in 2...4 {
        let given = Array(inputs.prefix(count))
        let shape = try IntegerMatrixProduct().outputShapes(for: given.map(\.shape))[0]
        let made = IntegerMatrixProduct().define(given, outputs: [TensorType(shape, .int32)])
        let wanted = MatrixProduct().reference(try difference(given), outputs: [shape])
        #expect(made[0].doubles == wanted[0].elements)
      }
    }
  }

  /// The operands without their zero points, by another operator.
  private func difference(_ inputs: [Tensor]) throws -> [ReferenceTensor] {
    try (0..<2).map { operand in
      // Without their type: differences of 8-bit integers do not wrap around here.
      func untyped(_ tensor: Tensor) -> ReferenceTensor {
        ReferenceTensor(tensor.shape, tensor.doubles)
      }
      let numbers = untyped(inputs[operand])
      guard inputs.count > operand + 2 else { return numbers }
      return try referenceOutputs(
        of: Arithmetic(.subtract), [numbers, untyped(inputs[operand + 2])])[0]
    }
  }

  @Test func refusals() {
    expectRefusal(
      of: Quantization(to: .int32), inputs: [[4], []],
      "expected an integer type of 8 or 16 bits, got int32")
    expectRefusal(
      of: Quantization(to: .int8, .axis(1)), inputs: [[4, 3], [4]],
      "expected scales of shape 3, got 4")
    expectRefusal(
      of: Dequantization(.blocks(axis: 0, size: 2)), inputs: [[5, 3], [2, 3]],
      "expected scales of shape 3×3, got 2×3")
    expectRefusal(
      of: Dequantization(.axis(2)), inputs: [[5, 3], [2]], "expected a dimension of 5×3, got 2")
    expectRefusal(
      of: IntegerMatrixProduct(), inputs: [[3, 4], [4, 2], [4, 1]],
      "expected zero points that are broadcast to 3×4, got 4×1")
  }
}
