import ConvoyGraphs
import ConvoyTensors

extension Conversions {
  /// Operators of ONNX Runtime on quantised numbers, each followed by its scale and zero point. They
  /// are computed in floats between dequantising and quantising, which is what they are defined by.
  static let quantizedFloats: [String: Importing] = [
    "com.microsoft.QLinearAdd": arithmetic(.add),
    "com.microsoft.QLinearMul": arithmetic(.multiply),
    "com.microsoft.QLinearSigmoid": quantized { (site, x) throws(ConvoyError) in
      x.applying(.sigmoid)
    },
    "com.microsoft.QLinearLeakyRelu": quantized { (site, x) throws(ConvoyError) in
      x.applying(.leakyReLU(slope: try site.attributes.float("alpha", default: 0.01)))
    },
    "com.microsoft.QLinearSoftmax": quantized { (site, x) throws(ConvoyError) in
      guard try site.attributes.integer("opset", default: 13) >= 13 else {
        throw .refused("softmax before version 13 is not supported on quantized numbers")
      }
      let axis = try site.dimension(
        try site.attributes.integer("axis", default: -1), ofRank: x.shape.rank)
      return x.applying(Softmax(dimension: axis, isLogarithmic: false))
    },
    "com.microsoft.QLinearGlobalAveragePool": quantized { (site, x) throws(ConvoyError) in
      try site.onPlanes(of: x) { (x) throws(ConvoyError) in
        x.applying(Pooling(.average(countsPadding: true), window: nil))
      }
    },
    "com.microsoft.QLinearAveragePool": quantized { (site, x) throws(ConvoyError) in
      try site.onPlanes(of: x) { (x) throws(ConvoyError) in
        try site.attributes.flag("count_include_pad")
          ? meansOfWholeWindows(x, site) : pooled(x, .average(countsPadding: false), site)
      }
    },
    "com.microsoft.QLinearConcat": single { (site) throws(ConvoyError) in
      guard site.inputs.count >= 5, site.inputs.count % 3 == 2 else {
        throw .refused("a scale, a zero point, and three inputs for each tensor are expected")
      }
      let values = try stride(from: 2, to: site.inputs.count, by: 3).map {
        (index) throws(ConvoyError) in try site.dequantized(index)
      }
      let axis = try site.dimension(
        try site.attributes.integer("axis", default: 0), ofRank: values[0].shape.rank)
      return try site.quantized(
        values[0].applying(Concatenation(dimension: axis), Array(values.dropFirst())), scale: 0)
    },
    "com.microsoft.QGemm": single(quantizedProduct),
    "com.microsoft.MatMulIntegerToFloat": single { (site) throws(ConvoyError) in
      let sums = try site.integerProduct(site.value(0), site.value(1), zeroPoints: (4, 5))
      let product = sums.cast(to: .float32) * (try site.value(2) * site.value(3))
      return site.has(6) ? product + (try site.value(6)) : product
    },
    "com.microsoft.DynamicQuantizeMatMul": single { (site) throws(ConvoyError) in
      let made = try site.dynamicallyQuantized(site.value(0))
      let b = try site.value(1)
      let zero =
        try site.has(3) ? site.value(3) : b.builder.constant(Tensor(zeros: [], type: b.type))
      let sums = made.integers.applying(IntegerMatrixProduct(), [b, made.zeroPoint, zero])
      let product = sums.cast(to: .float32) * (made.scale * (try site.value(2)))
      return site.has(4) ? product + (try site.value(4)) : product
    },
  ]

  private static func arithmetic(_ function: Arithmetic.Function) -> Importing {
    single { (site) throws(ConvoyError) in
      try site.quantized(
        site.dequantized(0).applying(Arithmetic(function), [site.dequantized(3)]), scale: 6)
    }
  }

  /// An operator of one tensor.
  private static func quantized(
    _ body: @escaping @Sendable (ImportSite, Value) throws(ConvoyError) -> Value
  ) -> Importing {
    single { (site) throws(ConvoyError) in
      try site.quantized(body(site, site.dequantized(0)), scale: 3)
    }
  }

  /// alpha·A·B + C, whose sums are integers; quantised where a scale is given.
  private static func quantizedProduct(_ site: ImportSite) throws(ConvoyError) -> Value {
    var (a, b) = (try site.value(0), try site.value(3))
    guard a.shape.rank == 2, b.shape.rank == 2 else { throw .refused("two matrices are expected") }
    if try site.attributes.flag("transA") { a = a.transposed([1, 0]) }
    if try site.attributes.flag("transB") { b = b.transposed([1, 0]) }
    var sums = try site.integerProduct(a, b, zeroPoints: (2, 5))
    if site.has(6) { sums = sums + (try site.value(6)) }
    let alpha = site.builder.scalar(try site.attributes.float("alpha", default: 1))
    let scales = [alpha * (try site.value(1)), try site.value(4)]
    guard site.has(7) else { return sums.cast(to: .float32) * (scales[0] * scales[1]) }
    return try site.requantized(sums, by: scales, scale: 7, zeroPoint: 8)
  }
}

extension ImportSite {
  /// The floats that an input stands for, whose scale and zero point are the next two.
  fileprivate func dequantized(_ index: Int) throws(ConvoyError) -> Value {
    let zeroPoint = try has(index + 2) ? value(index + 2) : nil
    return try value(index).dequantized(scale: value(index + 1), zeroPoint: zeroPoint)
  }

  /// Floats as integers of the type of a zero point, which is the input after the scale; without
  /// one, of the first input's type.
  fileprivate func quantized(_ floats: Value, scale: Int) throws(ConvoyError) -> Value {
    let zeroPoint = try has(scale + 1) ? value(scale + 1) : nil
    let first = try value(0).type
    return try floats.quantized(
      to: zeroPoint?.type ?? first, scale: value(scale), zeroPoint: zeroPoint)
  }

  /// An operator on the planes of an image, whose channels may be last.
  fileprivate func onPlanes(
    of image: Value, _ body: (Value) throws(ConvoyError) -> Value
  ) throws(ConvoyError) -> Value {
    try attributes.flag("channels_last")
      ? body(image.channelsFirst()).channelsLast() : body(image)
  }
}
