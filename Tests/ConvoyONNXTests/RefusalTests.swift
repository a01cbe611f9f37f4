import ConvoyGraphs
import ConvoyTensors
import SwiftProtobuf
import Testing

@testable import ConvoyONNX

/// What cannot be read is told in one sentence.
@Suite struct RefusalTests {
  /// A model with an input x of shape 1×3×4×4 and one output y.
  static func model(
    opset: Int = 17, extents: [Int64] = [1, 3, 4, 4],
    weights: [Onnx_TensorProto] = [], _ nodes: [Onnx_NodeProto]
  ) -> Onnx_ModelProto {
    var model = Onnx_ModelProto()
    model.irVersion = 8
    model.opsetImport = [.with { $0.version = Int64(opset) }]
    var input = Onnx_ValueInfoProto()
    input.name = "x"
    input.type.tensorType.elemType = 1
    input.type.tensorType.shape.dim = extents.map { extent in .with { $0.dimValue = extent } }
    model.graph.input = [input]
    model.graph.output = [.with { $0.name = "y" }]
    model.graph.node = nodes
    model.graph.initializer = weights
    return model
  }

  static func node(
    _ type: String, _ inputs: [String], _ output: String = "y",
    _ attributes: [Onnx_AttributeProto] = []
  ) -> Onnx_NodeProto {
    .with {
      ($0.opType, $0.name, $0.input, $0.output) = (type, "the \(type)", inputs, [output])
      $0.attribute = attributes
    }
  }

  static func weights(_ name: String, _ extents: [Int64], _ count: Int) -> Onnx_TensorProto {
    .with {
      ($0.name, $0.dims, $0.dataType) = (name, extents, 1)
      $0.floatData = Array(repeating: 0.5, count: count)
    }
  }

  static func integers(_ name: String, _ integers: [Int64]) -> Onnx_TensorProto {
    .with {
      ($0.name, $0.dims, $0.dataType) = (name, [Int64(integers.count)], 7)
      $0.int64Data = integers
    }
  }

  static func message(
    _ model: Onnx_ModelProto, inputShapes: [String: [Int]] = [:]
  ) throws -> String {
    let bytes: [UInt8] = try model.serializedBytes()
    let error = #expect(throws: ConvoyError.self) {
      try ONNXModel(bytes).model(shapes: inputShapes)
    }
    return error?.message ?? ""
  }

  @Test func everythingUnsupportedIsListed() throws {
    var custom = Self.node("Magic", ["b"], "c")
    custom.domain = "org.example"
    let message = try Self.message(
      Self.model([
        Self.node("Unheard", ["x"], "a"), Self.node("Relu", ["a"], "b"), custom,
        Self.node("Resize", ["x"], "d", [.init("mode", "lanczos")]),
        Self.node("Unheard", ["d"], "y"),
      ]))
    #expect(
      message
        == "The model uses what Convoy does not support: the operator Unheard "
        + "(nodes ‘the Unheard’, ‘the Unheard’); the operator org.example.Magic (node ‘the Magic’); "
        + "Resize ‘the Resize’ (the mode ‘lanczos’ is not known).", "\(message)")
  }

  @Test func versions() throws {
    let nodes = [Self.node("Relu", ["x"])]
    for version in [0, ONNXModel.opsets.upperBound + 1] {
      let message = try Self.message(Self.model(opset: version, nodes))
      #expect(message.contains("versions 1 to \(ONNXModel.opsets.upperBound)"), "\(message)")
    }
  }

  @Test func openExtents() throws {
    var model = Self.model(extents: [0, 3, 4, 4], [Self.node("Relu", ["x"])])
    model.graph.input[0].type.tensorType.shape.dim[2] = .with { $0.dimParam = "height" }
    #expect(
      try Self.message(model)
        == "The model leaves the shape of its input ‘x’ open (?×3×height×4); give all of it, as by "
        + "--shape x=1x3x224x224, or, where only the first extent is open, that by --batch.")
    for shape in [[1, 3], [1, 3, 4, 5], [1, 2, 4, 4]] {
      #expect(
        try Self.message(model, inputShapes: ["x": shape]).contains(
          "is declared ?×3×height×4, got 1×"))
    }
    #expect(try Self.message(model, inputShapes: ["z": [1]]).contains("no input ‘z’"))
    let bytes: [UInt8] = try model.serializedBytes()
    let read = try ONNXModel(bytes).model(shapes: ["x": [2, 3, 8, 4]])
    #expect(read.graph[read.graph.inputs[0]].shape == [2, 3, 8, 4])
    model.graph.input[0].type.tensorType.shape.dim[2] = .with { $0.dimValue = 5 }
    let five: [UInt8] = try model.serializedBytes()
    let batched = try ONNXModel(five).model(batch: 7)
    #expect(batched.graph[batched.graph.inputs[0]].shape == [7, 3, 5, 4])
  }

  @Test func shapesThatDoNotFit() throws {
    let message = try Self.message(
      Self.model(
        weights: [Self.weights("w", [2, 5, 3, 3], 90)], [Self.node("Conv", ["x", "w"])]))
    #expect(
      message.hasPrefix("The model cannot be imported: the Conv: expected weights"), "\(message)")
  }

  @Test func missingValues() throws {
    #expect(try Self.message(Self.model([Self.node("Relu", ["z"])])).contains("reads ‘z’"))
    #expect(try Self.message(Self.model([Self.node("Relu", ["x"], "a")])).contains("output ‘y’"))
  }

  @Test(arguments: [Int64.max, .min, -1, 1 << 40, 1 << 62])
  func absurdAttributes(_ number: Int64) throws {
    let weights = [Self.weights("w", [3, 1, 3, 3], 27)]
    let absurd = Int(number)
    for attribute in ["strides", "dilations"] {
      for type in ["Conv", "ConvTranspose"] {
        for padding in ["SAME_LOWER", "NOTSET"] {
          _ = try Self.message(
            Self.model(
              weights: weights,
              [
                Self.node(
                  type, ["x", "w"], "y",
                  [
                    .init(attribute, [absurd, absurd]), .init("group", 3),
                    .init("auto_pad", padding),
                  ])
              ]))
        }
      }
    }
    for attributes: [Onnx_AttributeProto] in [
      [.init("kernel_shape", [absurd, 1])],
      [.init("kernel_shape", [2, 2]), .init("pads", [absurd, absurd, absurd, absurd])],
      [.init("kernel_shape", [2, 2]), .init("strides", [absurd, 0])],
    ] {
      _ = try Self.message(Self.model([Self.node("MaxPool", ["x"], "y", attributes)]))
    }
    _ = try Self.message(
      Self.model(
        weights: weights,
        [Self.node("Conv", ["x", "w"], "y", [.init("group", absurd)])]))
    _ = try Self.message(
      Self.model(
        weights: weights,
        [
          Self.node(
            "ConvTranspose", ["x", "w"], "y",
            [.init("group", 3), .init("output_padding", [absurd, absurd])])
        ]))
    for (type, name) in [
      ("Flatten", "axis"), ("Softmax", "axis"), ("DepthToSpace", "blocksize"), ("LRN", "size"),
      ("LayerNormalization", "axis"), ("SpaceToDepth", "blocksize"),
    ] where absurd != -1 {
      _ = try Self.message(Self.model([Self.node(type, ["x"], "y", [.init(name, absurd)])]))
    }
    if absurd == -1 { return }
    for (type, inputs) in [
      ("Reshape", ["x", "n"]), ("Expand", ["x", "n"]), ("Gather", ["x", "n"]),
      ("Unsqueeze", ["x", "n"]), ("Pad", ["x", "n"]), ("ConstantOfShape", ["n"]),
      ("ReduceSum", ["x", "n"]), ("Split", ["x", "n"]),
    ] {
      let count = type == "Pad" ? 8 : 2
      let numbers = Self.integers("n", Array(repeating: number, count: count))
      _ = try Self.message(Self.model(weights: [numbers], [Self.node(type, inputs)]))
    }
  }

  @Test func absurdSlices() throws {
    for number in [Int64.max, .min, 1 << 62] {
      for step in [Int64.max, .min, -1, 1] {
        let model = Self.model(
          weights: [
            Self.integers("a", [number]), Self.integers("b", [~number]),
            Self.integers("c", [2]), Self.integers("d", [step]),
          ], [Self.node("Slice", ["x", "a", "b", "c", "d"])])
        let bytes: [UInt8] = try model.serializedBytes()
        _ = try? ONNXModel(bytes).model()
      }
    }
  }

  @Test func integersWrapAround() throws {
    for (type, a, b, result) in [("Mul", .max, .max, 1), ("Div", .min, -1, .min)]
      as [(String, Int64, Int64, Int64)]
    {
      let weights = [Self.integers("a", [a]), Self.integers("b", [b])]
      let model = Self.model(weights: weights, [Self.node(type, ["a", "b"])])
      let bytes: [UInt8] = try model.serializedBytes()
      let graph = try ONNXModel(bytes).model().graph
      let tensor = try Tensor([1], elements: [result])
      #expect(graph[graph.outputs[0].value].origin == .constant(tensor), "\(type)")
    }
  }

  /// Constants that double from node to node stop before they fill the memory.
  @Test func growingConstants() throws {
    var nodes = [Self.node("Concat", ["w", "w"], "0", [.init("axis", 0)])]
    for step in 1...60 {
      nodes.append(
        Self.node("Concat", ["\(step - 1)", "\(step - 1)"], "\(step)", [.init("axis", 0)]))
    }
    let message = try Self.message(Self.model(weights: [Self.weights("w", [8], 8)], nodes))
    #expect(message.contains("grow far beyond"), "\(message)")
    for (type, inputs) in [("ConstantOfShape", ["n"]), ("Range", ["a", "b", "c"])] {
      let weights = [
        Self.integers("n", [1 << 20, 1 << 19]), Self.integers("a", [0]),
        Self.integers("b", [1 << 39]), Self.integers("c", [1]),
      ]
      let message = try Self.message(Self.model(weights: weights, [Self.node(type, inputs)]))
      #expect(message.contains("grow far beyond"), "\(message)")
    }
  }

  @Test func tensorsThatClaimTooMuch() throws {
    for extents: [Int64] in [[.max, .max], [1 << 39], [-1], [1 << 40, 0], [3]] {
      let message = try Self.message(
        Self.model(weights: [Self.weights("w", extents, 2)], [Self.node("Add", ["x", "w"])]))
      #expect(message.contains("‘w’") || message.contains("the Add"), "\(message)")
    }
  }

  /// Tensors without elements whose other extents are large take neither memory nor time.
  @Test(arguments: ["Transpose", "Concat", "Squeeze", "Gather", "Identity", "Neg"])
  func emptyTensors(_ type: String) throws {
    for extents: [Int64] in [[1 << 30, 0], [0, 1 << 30], [1 << 20, 0, 1 << 19]] {
      let inputs = type == "Concat" ? ["w", "w"] : type == "Gather" ? ["w", "i"] : ["w"]
      let model = Self.model(
        weights: [Self.weights("w", extents, 0), Self.integers("i", [0])],
        [Self.node(type, inputs, "y", type == "Concat" ? [.init("axis", 0)] : [])])
      _ = try Self.message(model)
    }
  }

  @Test(arguments: ["../data", "/etc/passwd", "a/../../data", "", "a\0b"])
  func locationsOutsideTheFolder(_ location: String) throws {
    let tensor = Onnx_TensorProto.with {
      ($0.name, $0.dims, $0.dataType, $0.dataLocation) = ("w", [1], 1, .external)
      $0.externalData = [
        .with { ($0.key, $0.value) = ("location", location) }
      ]
    }
    #expect(throws: ConvoyError.self) {
      try ConstantTensor(tensor, externalData: ExternalData(folder: Golden.folder))
    }
  }
}
