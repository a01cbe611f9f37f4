import ConvoyTensors
import Foundation
import SwiftProtobuf
import Testing

@testable import ConvoyONNX

/// Single nodes of ONNX, against what its specification says of them: once with inputs that are given to a run,
/// and once with inputs that are known while reading.
@Suite struct OperatorConversionTests {
  /// The outputs of a model of one node.
  private func outputs(
    _ type: String, _ inputs: [Tensor?], opset: Int = 24, domain: String = "", outputCount: Int = 1,
    _ attributes: [Onnx_AttributeProto] = []
  ) throws -> [Tensor] {
    func run(areKnown: Bool) throws -> [Tensor] {
      var model = Onnx_ModelProto()
      model.irVersion = 8
      model.opsetImport = [.with { $0.version = Int64(opset) }]
      if !domain.isEmpty {
        model.opsetImport.append(.with { ($0.domain, $0.version) = (domain, 1) })
      }
      var given: [String: Tensor] = [:]
      for case (let index, let tensor?) in inputs.enumerated() {
        let extents = tensor.shape.dimensions.map { Int64($0) }
        let code = Int32(tensor.type.onnxType.rawValue)
        if areKnown {
          var initializer = Onnx_TensorProto()
          (initializer.name, initializer.dims, initializer.dataType) = ("x\(index)", extents, code)
          initializer.rawData = try tensor.withLittleEndianBytes { Data($0) }
          model.graph.initializer.append(initializer)
        } else {
          given["x\(index)"] = tensor
          var input = Onnx_ValueInfoProto()
          input.name = "x\(index)"
          input.type.tensorType.elemType = code
          input.type.tensorType.shape.dim = extents.map { extent in .with { $0.dimValue = extent } }
          model.graph.input.append(input)
        }
      }
      let names = (0..<outputCount).map { "y\($0)" }
      model.graph.output = names.map { name in .with { $0.name = name } }
      model.graph.node = [
        .with {
          ($0.opType, $0.domain, $0.output) = (type, domain, names)
          $0.input = inputs.enumerated().map { $1 == nil ? "" : "x\($0)" }
          $0.attribute = attributes
        }
      ]
      let results = try ONNXModel(try model.serializedBytes() as [UInt8]).run(given)
      return try names.map { try #require(results[$0]) }
    }
    let computed = try run(areKnown: false)
    let known = try run(areKnown: true)
    #expect(
      zip(computed, known).allSatisfy(areClose), "\(type): what is known has other results")
    return computed
  }

  /// Whether tensors are the same; floats, which kernels round otherwise than definitions, nearly.
  private func areClose(_ a: Tensor, _ b: Tensor) -> Bool {
    guard a.type.isFloating else { return a == b }
    return a.shape == b.shape && a.type == b.type
      && zip(a.doubles, b.doubles).allSatisfy { $0 == $1 || abs($0 - $1) < 1e-5 * max(1, abs($1)) }
  }

  private func integers(_ numbers: [Int64], _ extents: [Int]? = nil) throws -> Tensor {
    try Tensor(Shape(extents ?? [numbers.count]), elements: numbers)
  }

  private func truths(_ truths: [Bool], _ extents: [Int]? = nil) throws -> Tensor {
    try Tensor(Shape(extents ?? [truths.count]), elements: truths)
  }

  // MARK: Numbers

  /// Before version 7, an axis said which dimension of the first operand the second's first one is.
  @Test func axesOfOldOperators() throws {
    let a = try Tensor([2, 3, 2], (0..<12).map { Float($0) })
    let b = try Tensor([3], [10, 20, 30])
    let old = [Onnx_AttributeProto("axis", 1), .init("broadcast", 1)]
    let sum = try outputs("Add", [a, b], opset: 6, old)[0]
    #expect(sum.elements == [10, 11, 22, 23, 34, 35, 16, 17, 28, 29, 40, 41])
    let isLess = try outputs("Less", [a, b], opset: 6, old)[0]
    let bounds = (0..<12).map { [10, 20, 30][$0 / 2 % 3] as Float }
    #expect(try isLess.elements(as: Bool.self) == zip(a.elements, bounds).map { $0 < $1 })
    let slopes = try outputs("PRelu", [a - 20, b], opset: 6)[0]
    let scaled = (0..<12).map { (Float($0) - 20) * [10, 20, 30][$0 / 2 % 3] }
    #expect(slopes.elements == scaled)
  }

  @Test func integerArithmetic() throws {
    let a = try integers([7, -7, .min, 5])
    let b = try integers([2, 2, -1, 0])
    #expect(try outputs("Div", [a, b])[0] == integers([3, -3, .min, 0]))
    #expect(try outputs("Mod", [a, b])[0] == integers([1, 1, 0, 0]))
    #expect(try outputs("Mod", [a, b], [.init("fmod", 1)])[0] == integers([1, -1, 0, 0]))
    #expect(try outputs("Pow", [a, integers([3, 2, 1, 0])])[0] == integers([343, 49, .min, 1]))
    #expect(try outputs("Max", [a, b, integers([0])])[0] == integers([7, 2, 0, 5]))
    #expect(
      try outputs("Clip", [a, Tensor(scalar: -1 as Int64), nil])[0] == integers([7, -1, -1, 5]))
    #expect(try outputs("Neg", [a])[0] == integers([-7, 7, .min, -5]))
    #expect(try outputs("Relu", [a])[0] == integers([7, 0, 0, 5]))
    let mixed = try outputs("Pow", [try Tensor([3], [2, 3, 0.5]), integers([3, 2, -1])])[0]
    #expect(mixed.elements == [8, 9, 2])
    let rounded = try outputs("Pow", [integers([9, 16]), try Tensor([], [0.5])])[0]
    #expect(rounded == (try integers([3, 4])))
  }

  @Test func boundsOfClips() throws {
    let x = try Tensor([5], [-3, -1, 0, 1, 3])
    func scalar(_ number: Float) throws -> Tensor { try Tensor([], [number]) }
    #expect(try outputs("Clip", [x, scalar(-1), scalar(2)])[0].elements == [-1, -1, 0, 1, 2])
    #expect(try outputs("Clip", [x, nil, scalar(0)])[0].elements == [-3, -1, 0, 0, 0])
    // The upper bound wins.
    #expect(try outputs("Clip", [x, scalar(2), scalar(1)])[0].elements == [1, 1, 1, 1, 1])
    let old = [Onnx_AttributeProto("min", Float(-2)), .init("max", Float(-1))]
    #expect(try outputs("Clip", [x], opset: 6, old)[0].elements == [-2, -1, -1, -1, -1])
  }

  @Test func bits() throws {
    let a = try Tensor([3], elements: [0b1100, 0xFF, 1] as [UInt8])
    let b = try Tensor([3], elements: [0b1010, 4, 9] as [UInt8])
    func result(_ type: String, _ inputs: [Tensor?], _ attributes: [Onnx_AttributeProto] = [])
      throws -> [UInt8]
    { try outputs(type, inputs, attributes)[0].elements(as: UInt8.self) }
    #expect(try result("BitwiseAnd", [a, b]) == [0b1000, 4, 1])
    #expect(try result("BitwiseOr", [a, b]) == [0b1110, 0xFF, 9])
    #expect(try result("BitwiseXor", [a, b]) == [0b0110, 0xFB, 8])
    #expect(try result("BitwiseNot", [a]) == [0xF3, 0, 0xFE])
    #expect(try result("BitShift", [a, b], [.init("direction", "LEFT")]) == [0, 0xF0, 0])
    #expect(try result("BitShift", [a, b], [.init("direction", "RIGHT")]) == [0, 0x0F, 0])
    let flags = try truths([true, false])
    #expect(try outputs("Not", [flags])[0] == truths([false, true]))
    #expect(try outputs("Xor", [flags, truths([true])])[0] == truths([false, true]))
  }

  @Test func numbersThatAreNone() throws {
    let x = try Tensor([4], [.nan, .infinity, -.infinity, 1])
    #expect(try outputs("IsNaN", [x])[0] == truths([true, false, false, false]))
    #expect(try outputs("IsInf", [x])[0] == truths([false, true, true, false]))
    #expect(
      try outputs("IsInf", [x], [.init("detect_negative", 0)])[0]
        == truths([false, true, false, false]))
    #expect(
      try outputs("IsInf", [x], [.init("detect_positive", 0)])[0]
        == truths([false, false, true, false]))
  }

  @Test func activations() throws {
    let x = try Tensor([6], [-2, -1, -0.25, 0.25, 1, 2])
    func expect(
      _ type: String, _ attributes: [Onnx_AttributeProto] = [], domain: String = "",
      _ function: (Float) -> Float
    ) throws {
      let made = try outputs(type, [x], domain: domain, attributes)[0]
      for (made, x) in zip(made.elements, x.elements) {
        #expect(abs(made - function(x)) < 1e-5, "\(type) of \(x)")
      }
    }
    try expect("ThresholdedRelu", [.init("alpha", Float(0.5))]) { $0 > 0.5 ? $0 : 0 }
    try expect("Shrink", [.init("lambd", Float(0.5)), .init("bias", Float(0.125))]) {
      $0 < -0.5 ? $0 + 0.125 : $0 > 0.5 ? $0 - 0.125 : 0
    }
    try expect("Swish", [.init("alpha", Float(2))]) { x in
      Float(Double(x) * sigmoid(2 * Double(x)))
    }
    try expect("QuickGelu", domain: "com.microsoft") { x in
      Float(Double(x) * sigmoid(1.702 * Double(x)))
    }
    let added = try outputs("BiasGelu", [x, x], domain: "com.microsoft")[0]
    #expect(areClose(added, try outputs("Gelu", [x + x])[0]))
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  @Test func hardmax() throws {
    let x = try Tensor([2, 4], [3, 1, 3, 2, 0, 5, 5, 5])
    #expect(try outputs("Hardmax", [x])[0].elements == [1, 0, 0, 0, 0, 1, 0, 0])
    #expect(
      try outputs("Hardmax", [x], [.init("axis", 0)])[0].elements == [1, 0, 0, 0, 0, 1, 1, 1])
    // Before version 13 everything from the axis on was one dimension.
    #expect(
      try outputs("Hardmax", [x], opset: 11, [.init("axis", 0)])[0].elements
        == [0, 0, 0, 0, 0, 1, 0, 0])
  }

  // MARK: Movement

  /// Padding of every mode, against the position that each element of the result is taken from.
  @Test(arguments: ["constant", "edge", "reflect", "wrap"]) func padding(_ mode: String) throws {
    var random = Random(seed: 51)
    for _ in 0..<40 {
      let shape = Shape([2 + random.below(3), 2 + random.below(30), 1 + random.below(3)])
      let x = Tensor(normal: shape, using: &random)
      let axes = random.below(2) == 0 ? [1] : [-2, 0]
      let before = axes.map { axis in random.below(2 * shape[(axis + 3) % 3]) - 1 }
      let after = axes.map { axis in random.below(2 * shape[(axis + 3) % 3]) }
      let number = Tensor(scalar: Float(7))
      let made = try outputs(
        "Pad",
        [
          x, integers((before + after).map { Int64($0) }), mode == "constant" ? number : nil,
          integers(axes.map { Int64($0) }),
        ], [.init("mode", mode)])[0]
      var expected = x
      for (index, axis) in axes.enumerated() {
        expected = try padded(expected, (axis + 3) % 3, before[index], after[index], mode)
      }
      #expect(made == expected, "\(shape) by \(before) and \(after) along \(axes)")
    }
  }

  private func padded(
    _ x: Tensor, _ axis: Int, _ before: Int, _ after: Int, _ mode: String
  ) throws -> Tensor {
    // Negative padding cuts first.
    let (first, extent) = (max(0, -before), x.shape[axis] - max(0, -before))
    var extents = x.shape.dimensions
    extents[axis] = extent + max(0, before) + after
    let shape = Shape(extents)
    let inner = x.shape.dimensions[(axis + 1)...].reduce(1, *)
    let elements = (0..<shape.elementCount).map { index -> Float in
      let (column, row) = (index % inner, index / inner / shape[axis])
      var position = index / inner % shape[axis] - max(0, before)
      switch mode {
      case "constant": if position < 0 || position >= extent { return 7 }
      case "edge": position = min(max(position, 0), extent - 1)
      case "wrap":
        while position < 0 { position += extent }
        position %= extent
      default:
        while position < 0 || position >= extent {
          position = position < 0 ? -position : 2 * (extent - 1) - position
          if extent == 1 { position = 0 }
        }
      }
      return x.elements[(row * x.shape[axis] + first + position) * inner + column]
    }
    return try Tensor(shape, elements)
  }

  @Test func paddingOfIntegers() throws {
    let x = try integers([1, 2])
    let large = Tensor(scalar: Int64.max - 1)
    #expect(
      try outputs("Pad", [x, integers([1, 1]), large])[0]
        == integers([.max - 1, 1, 2, .max - 1]))
  }

  @Test func tiles() throws {
    let x = try integers([1, 2, 3, 4], [2, 2])
    #expect(
      try outputs("Tile", [x, integers([2, 3])])[0]
        == integers(
          [1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4, 1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4], [4, 6]))
    let old = [Tensor(scalar: Int64(2)), Tensor(scalar: Int64(1))]
    #expect(
      try outputs("Tile", [x] + old, opset: 1)[0] == integers([1, 2, 1, 2, 3, 4, 3, 4], [2, 4]))
  }

  @Test func triangles() throws {
    let x = try integers(Array(1...12), [2, 2, 3])
    #expect(
      try outputs("Trilu", [x])[0]
        == integers([1, 2, 3, 0, 5, 6, 7, 8, 9, 0, 11, 12], [2, 2, 3]))
    #expect(
      try outputs("Trilu", [x, Tensor(scalar: Int64(-1))], [.init("upper", 0)])[0]
        == integers([0, 0, 0, 4, 0, 0, 0, 0, 0, 10, 0, 0], [2, 2, 3]))
  }

  @Test func reversedSequences() throws {
    let x = try integers(Array(0..<12), [4, 3])
    let byTime = [Onnx_AttributeProto("time_axis", 0), .init("batch_axis", 1)]
    #expect(
      try outputs("ReverseSequence", [x, integers([4, 1, 2])], byTime)[0]
        == integers([9, 1, 5, 6, 4, 2, 3, 7, 8, 0, 10, 11], [4, 3]))
    let byRow = [Onnx_AttributeProto("time_axis", 1), .init("batch_axis", 0)]
    #expect(
      try outputs("ReverseSequence", [x, integers([1, 2, 3, 3])], byRow)[0]
        == integers([0, 1, 2, 4, 3, 5, 8, 7, 6, 11, 10, 9], [4, 3]))
  }

  @Test func oneHotRows() throws {
    let rows = try outputs(
      "OneHot", [integers([1, -1, 3]), Tensor(scalar: Int64(3)), integers([-5, 5])])[0]
    #expect(try rows == integers([-5, 5, -5, -5, -5, 5, -5, -5, -5], [3, 3]))
    let columns = try outputs(
      "OneHot", [try Tensor([2], [0, 1]), Tensor(scalar: Int64(2)), try Tensor([2], [0, 1])],
      [.init("axis", 0)])[0]
    #expect(columns == (try Tensor([2, 2], [1, 0, 0, 1])))
  }

  @Test func scatteringByOldNames() throws {
    let x = try Tensor([3], [1, 2, 3])
    let update = [try integers([2, 0]), try Tensor([2], [9, 8])]
    #expect(try outputs("Scatter", [x] + update, opset: 9)[0].elements == [8, 2, 9])
    #expect(
      try outputs("ScatterElements", [x] + update, opset: 18, [.init("reduction", "max")])[0]
        .elements == [8, 2, 9])
  }

  // MARK: Known numbers

  @Test func compression() throws {
    let x = try integers(Array(0..<6), [3, 2])
    #expect(
      try outputs("Compress", [x, truths([true, false, true])], [.init("axis", 0)])[0]
        == integers([0, 1, 4, 5], [2, 2]))
    #expect(try outputs("Compress", [x, truths([false, true, true])])[0] == integers([1, 2]))
  }

  @Test func places() throws {
    let x = try Tensor([2, 3], [0, 1, 0, 2, 0, -0.5])
    #expect(try outputs("NonZero", [x])[0] == integers([0, 1, 1, 1, 0, 2], [2, 3]))
  }

  @Test func differentElements() throws {
    let x = try integers([2, 1, 1, 3, 4, 3])
    let sorted = try outputs("Unique", [x], outputCount: 4)
    #expect(
      try sorted
        == [
          integers([1, 2, 3, 4]), integers([1, 0, 3, 4]), integers([1, 0, 0, 2, 3, 2]),
          integers([2, 1, 2, 1]),
        ])
    let asFound = try outputs("Unique", [x], outputCount: 4, [.init("sorted", 0)])
    #expect(
      try asFound
        == [
          integers([2, 1, 3, 4]), integers([0, 1, 3, 4]), integers([0, 1, 1, 2, 3, 2]),
          integers([1, 2, 2, 1]),
        ])
    let rows = try integers([1, 0, 1, 0, 2, 3], [3, 2])
    #expect(
      try outputs("Unique", [rows], [.init("axis", 0)])[0] == integers([1, 0, 2, 3], [2, 2]))
  }

  @Test func diagonals() throws {
    let x = try integers(Array(1...6), [2, 3])
    #expect(try outputs("EyeLike", [x])[0] == integers([1, 0, 0, 0, 1, 0], [2, 3]))
    #expect(
      try outputs("EyeLike", [x], [.init("k", 1), .init("dtype", 1)])[0]
        == Tensor([2, 3], [0, 1, 0, 0, 0, 1]))
  }

  @Test func masksOfDropouts() throws {
    let x = try Tensor([2, 2], [1, 2, 3, 4])
    let made = try outputs("Dropout", [x], outputCount: 2)
    #expect(made == [x, try truths([true, true, true, true], [2, 2])])
    #expect(
      try outputs("Dropout", [x], opset: 7, outputCount: 2)[1] == Tensor([2, 2], repeating: 1))
    let training = [x, Tensor([], repeating: 0), Tensor(scalar: true)]
    #expect(try outputs("Dropout", training)[0] == x)
    #expect(throws: ConvoyError.self) {
      try outputs("Dropout", [x, Tensor([], repeating: 0.5), Tensor(scalar: true)])
    }
  }

  // MARK: Older forms

  @Test func attributesThatBecameInputs() throws {
    let x = try Tensor([2, 3], [1, 2, 3, 4, 5, 6])
    #expect(try outputs("Reshape", [x], opset: 1, [.init("shape", [3, -1])])[0].shape == [3, 2])
    #expect(
      try outputs("Cast", [x], opset: 5, [.init("to", "INT32")])[0] == x.converted(to: .int32))
    #expect(
      try outputs("Pad", [x], opset: 1, [.init("paddings", [0, 1, 0, 0])])[0].shape == [2, 4])
    #expect(
      try outputs("Selu", [x], opset: 1)[0].elements.elementsEqual(x.elements) {
        abs($0 - 1.0507 * $1) < 1e-5
      })
  }
}
