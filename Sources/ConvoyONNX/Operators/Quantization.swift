import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let quantizations: [String: Importing] = [
    "QuantizeLinear": quantize, "com.microsoft.QuantizeLinear": quantize,
    "DequantizeLinear": dequantize, "com.microsoft.DequantizeLinear": dequantize,
    "DynamicQuantizeLinear": { (site) throws(ConvoyError) in
      let made = try site.dynamicallyQuantized(site.value(0))
      return [made.integers, made.scale, made.zeroPoint].map { .computed($0) }
    },
    "ConvInteger": single { (site) throws(ConvoyError) in
      try site.integerConvolution(
        image: site.value(0), weights: site.value(1), zeroPoints: (2, 3))
    },
    "MatMulInteger": single { (site) throws(ConvoyError) in
      try site.integerProduct(site.value(0), site.value(1), zeroPoints: (2, 3))
    },
    "QLinearConv": single(convolution), "com.microsoft.QLinearConv": single(convolution),
    "QLinearMatMul": single { (site) throws(ConvoyError) in
      let (a, b) = (try site.value(0), try site.value(3))
      let sums = try site.integerProduct(a, b, zeroPoints: (2, 5))
      return try site.requantized(
        sums, by: [site.column(1, of: a), site.value(4)], scale: 6, zeroPoint: 7)
    },
  ]

  private static let quantize: Importing = { (site) throws(ConvoyError) in
    var type = try site.has(2) ? site.input(2).type : .uint8
    if !site.has(2), case let code = try site.attributes.integer("output_dtype", default: 0),
      code != 0
    {
      type = try ElementType(onnxCode: Int32(truncatingIfNeeded: code))
    }
    guard Quantization.storageTypes.contains(type) else {
      throw .refused("integers of 8 or 16 bits are expected to quantize to, got \(type)")
    }
    return try site.evaluated(Quantization(to: type, site.scheme()))
  }

  private static let dequantize: Importing = { (site) throws(ConvoyError) in
    try site.evaluated(Dequantization(site.scheme()))
  }

  private static func convolution(_ site: ImportSite) throws(ConvoyError) -> Value {
    let isLast = try site.attributes.flag("channels_last")
    let image = try isLast ? site.value(0).channelsFirst() : site.value(0)
    let weights = try site.value(3)
    var sums = try site.integerConvolution(image: image, weights: weights, zeroPoints: (2, 5))
    let rank = weights.shape.rank
    if site.has(8) { sums = sums + (try site.value(8)).asRows(ofRank: rank - 1) }
    let result = try site.requantized(
      sums, by: [site.value(1), site.value(4).asRows(ofRank: rank - 1)], scale: 6, zeroPoint: 7)
    return isLast ? result.channelsLast() : result
  }
}

extension ImportSite {
  /// An operator on all inputs, evaluated if they are known: weights of any size, which keep their
  /// initialiser's name.
  fileprivate func evaluated(_ operation: some TypedOperator) throws(ConvoyError) -> [Imported] {
    let given = inputs.indices.filter(has)
    let known = given.compactMap(knownConstant)
    guard known.count == given.count else {
      return [.computed(apply(operation, try given.map(value)))]
    }
    let tensors = try known.map { constant throws(ConvoyError) in try constant.tensor().inMemory() }
    let types = tensors.map { TensorType($0.shape, $0.type) }
    let outputs = try operation.outputs(for: types)
    try importer.spend(outputs[0].shape.elementCount)
    return [
      .constant(
        ConstantTensor(operation.define(tensors, outputs: outputs)[0], source: known[0].source))
    ]
  }

  /// The scheme that the shape of scales says.
  fileprivate func scheme() throws(ConvoyError) -> QuantizationScheme {
    let (rank, scales) = (try input(0).extents.count, try input(1).extents)
    let size = try attributes.integer("block_size", default: 0)
    if size == 0, scales.isEmpty || scales == [1] { return .tensor }
    let axis = try dimension(try attributes.integer("axis", default: 1), ofRank: rank)
    return size == 0 ? .axis(axis) : .blocks(axis: axis, size: size)
  }

  /// Floats quantised by the scale that their range asks for: to uint8, so that 0 is a whole number.
  func dynamicallyQuantized(
    _ value: Value
  ) throws(ConvoyError) -> (integers: Value, scale: Value, zeroPoint: Value) {
    let zero = builder.scalar(0)
    func largest(_ value: Value) -> Value {
      value.applying(Reduction(.maximum, over: Array(0..<value.shape.rank)))
        .applying(Arithmetic(.maximum), [zero])
    }
    let depth = largest(-value)
    let range = largest(value) + depth
    let scale = (range / builder.scalar(255))
      .selected(where: range.compared(.greater, to: zero), else: builder.scalar(1))
    let zeroPoint = depth.quantized(to: .uint8, scale: scale)
    return (value.quantized(to: .uint8, scale: scale, zeroPoint: zeroPoint), scale, zeroPoint)
  }

  /// The sums of a convolution of integers.
  ///
  /// - Parameter zeroPoints: the inputs that are the zero points of the image and of the weights.
  fileprivate func integerConvolution(
    image: Value, weights: Value, zeroPoints: (Int, Int)
  ) throws(ConvoyError) -> Value {
    let kernel = Array(weights.shape.dimensions.dropFirst(2))
    guard try attributes.integers("kernel_shape") ?? kernel == kernel else {
      throw .refused("a kernel_shape of \(kernel), as its weights have, is expected")
    }
    let window = try window(kernel: kernel, image: image.shape)
    var operands = [image, weights, try zeroPoint(zeroPoints.0, of: image)]
    operands.append(
      try zeroPoint(zeroPoints.1, of: weights).asRows(ofRank: weights.shape.rank))
    let groups = try attributes.integer("group", default: 1)
    return apply(IntegerConvolution(window, groups: groups), operands)
  }

  /// The sums of a product of matrices of integers.
  ///
  /// - Parameter zeroPoints: the inputs that are the zero points of both.
  func integerProduct(
    _ a: Value, _ b: Value, zeroPoints: (Int, Int)
  ) throws(ConvoyError) -> Value {
    let ofRows = has(zeroPoints.0) ? try column(zeroPoints.0, of: a) : zero(of: a)
    return apply(IntegerMatrixProduct(), [a, b, ofRows, try zeroPoint(zeroPoints.1, of: b)])
  }

  /// A zero point, which is 0 where it is left out.
  private func zeroPoint(_ index: Int, of value: Value) throws(ConvoyError) -> Value {
    has(index) ? try self.value(index) : zero(of: value)
  }

  private func zero(of value: Value) -> Value {
    builder.constant(Tensor(zeros: [], type: value.type))
  }

  /// Numbers for each row of a matrix, as a column.
  fileprivate func column(_ index: Int, of matrix: Value) throws(ConvoyError) -> Value {
    let numbers = try value(index)
    return numbers.shape.rank == 1 && numbers.shape[0] > 1 && matrix.shape.rank > 1
      ? numbers.reshaped([-1, 1]) : numbers
  }

  /// Sums of products of quantised numbers, quantised again: to the type of a zero point.
  ///
  /// - Parameters:
  ///   - scales: the scales of the factors.
  ///   - scale: the input that is the scale of the result.
  ///   - zeroPoint: the input that is the result's zero point.
  func requantized(
    _ sums: Value, by scales: [Value], scale: Int, zeroPoint: Int
  ) throws(ConvoyError) -> Value {
    let zero = try value(zeroPoint)
    let factor = try scales[0] * scales[1] / value(scale)
    return (sums.cast(to: .float32) * factor).quantized(
      to: zero.type, scale: builder.scalar(1), zeroPoint: zero)
  }
}

extension Value {
  /// Numbers for each row of a tensor, or one, with as many dimensions as the tensor has.
  fileprivate func asRows(ofRank rank: Int) -> Value {
    shape.elementCount == 1 ? reshaped([]) : reshaped([-1] + Array(repeating: 1, count: rank - 1))
  }
}

// MARK: Export

extension Quantization: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    try site.finish("QuantizeLinear", scheme, type)
  }
}

extension Dequantization: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    try site.finish("DequantizeLinear", scheme, site.inputTypes[0])
  }
}

extension IntegerConvolution: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    var inputs = site.inputs
    for index in inputs.indices.dropFirst(2) {
      let (shape, count) = (site.inputShapes[index], site.inputShapes[index].elementCount)
      guard count == 1 || index == 3 && count == site.inputShapes[1][0] && shape[0] == count else {
        throw ConvoyError(
          .argument, "‘\(site.name)’ cannot be exported: ONNX has no zero points of \(shape).")
      }
      inputs[index] = site.emit(
        "Reshape", [inputs[index], site.integers(count == 1 ? [] : [count], "shape")])
    }
    site.finish(
      "ConvInteger", inputs,
      window.attributes(for: site.inputShapes[0], to: site.outputShapes[0])
        + [.init("group", groups)])
  }
}

extension IntegerMatrixProduct: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish("MatMulInteger", site.inputs)
  }
}

extension ExportSite {
  fileprivate func finish(
    _ operation: String, _ scheme: QuantizationScheme, _ type: ElementType
  ) throws(ConvoyError) {
    guard [.int8, .uint8].contains(type) || type == .int32 && operation == "DequantizeLinear"
    else { throw failure("quantizing to \(type)") }
    switch scheme {
    case .tensor: finish(operation, inputs)
    case .axis(let axis): finish(operation, inputs, [.init("axis", axis)])
    case .blocks: throw failure("scales of blocks")
    }
  }
}
