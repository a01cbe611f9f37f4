import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let activations: [String: Importing] = [
    "Relu": single(relu),
    "LeakyRelu": function { site throws(ConvoyError) in
      .leakyReLU(slope: try site.attributes.float("alpha", default: 0.01))
    },
    "Sigmoid": function { _ in .sigmoid },
    "Tanh": function { _ throws(ConvoyError) in .tanh },
    "HardSigmoid": function { site throws(ConvoyError) in
      .hardSigmoid(
        slope: try site.attributes.float("alpha", default: 0.2),
        offset: try site.attributes.float("beta", default: 0.5))
    },
    "HardSwish": function { _ in .hardSwish },
    "Mish": function { _ in .mish },
    "Elu": function { site throws(ConvoyError) in
      .elu(alpha: try site.attributes.float("alpha", default: 1))
    },
    "Celu": single(celu),
    "Selu": single(selu),
    "Swish": single(swish),
    "SwiGLU": single { site throws(ConvoyError) in
      let gate = try gated(site, scale: site.attributes.float("alpha", default: 1))
      return site.apply(Arithmetic(.multiply), [gate, try site.value(1)])
    },
    "Softplus": function { _ in .softplus },
    "Softsign": function { _ throws(ConvoyError) in .softsign },
    "Gelu": function { site throws(ConvoyError) in
      try site.attributes.string("approximate", default: "none") == "tanh"
        ? .approximateGELU : .gelu
    },
    "com.microsoft.Gelu": function { _ throws(ConvoyError) in .gelu },
    "com.microsoft.BiasGelu": single { site throws(ConvoyError) in
      site.apply(Elementwise(.gelu), [try site.value(0) + site.value(1)])
    },
    "com.microsoft.FastGelu": single { site throws(ConvoyError) in
      let value = try site.value(0)
      return site.apply(
        Elementwise(.approximateGELU), [site.has(1) ? value + (try site.value(1)) : value])
    },
    "com.microsoft.QuickGelu": single { site throws(ConvoyError) in
      try gated(site, scale: site.attributes.float("alpha", default: 1.702))
    },
    "Clip": single(clip),
    "ThresholdedRelu": single(thresholded),
    "Shrink": single(shrink),
    "Erf": function { _ in .errorFunction },
    "Exp": function { _ in .exponential },
    "Log": function { _ in .logarithm },
    "Sqrt": function { _ in .squareRoot },
    "Reciprocal": function { _ in .reciprocal },
    "Identity": { site throws(ConvoyError) in [try site.input(0)] },
    "PRelu": single(parametricReLU),
  ]

  /// An operator that applies a function to every element.
  private static func function(
    _ describe: @escaping @Sendable (ImportSite) throws(ConvoyError) -> ScalarFunction
  ) -> Importing {
    single { site throws(ConvoyError) in site.applying(try describe(site), to: try site.value(0)) }
  }

  private static func relu(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    return value.type.isFloating
      ? site.applying(.relu, to: value)
      : site.apply(Arithmetic(.maximum), [value, site.scalar(0, value.type)])
  }

  /// A function where the bounds are known floats, else arithmetic with each.
  private static func clip(_ site: ImportSite) throws(ConvoyError) -> Value {
    var value = try site.value(0)
    let bounds: [Float?]
    if site.opset < 11 {
      let attributes = site.attributes
      bounds = [
        try attributes.float("min", default: -.infinity),
        try attributes.float("max", default: .infinity),
      ]
    } else {
      bounds = [1, 2].map { index in
        site.has(index)
          ? site.knownConstant(index)?.scalar : index == 1 ? -.infinity : .infinity
      }
    }
    if value.type.isFloating, let low = bounds[0], let high = bounds[1], low <= high {
      return low == 0 && high == .infinity
        ? site.applying(.relu, to: value) : site.applying(.clip(low: low, high: high), to: value)
    }
    // The upper bound is the result where it is below the lower one.
    for (index, function) in [(1, Arithmetic.Function.maximum), (2, .minimum)]
    where site.has(index) || site.opset < 11 {
      let bound =
        site.opset < 11
        ? site.builder.scalar(bounds[index - 1] ?? 0) : try site.value(index).reshaped([])
      value = value.applying(Arithmetic(function), [bound])
    }
    return value
  }

  /// x above a threshold, and 0 elsewhere.
  private static func thresholded(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let threshold = site.builder.scalar(try site.attributes.float("alpha", default: 1))
    return site.apply(
      Selection(),
      [value, site.builder.scalar(0), value.compared(.greater, to: threshold)])
  }

  /// x nearer to 0 by a bias, and 0 within a range around 0.
  private static func shrink(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let range = try site.attributes.float("lambd", default: 0.5)
    let bias = try site.attributes.float("bias", default: 0)
    // Integers are compared and moved as floats.
    let x = value.cast(to: .float32)
    let (low, high) = (site.builder.scalar(-range), site.builder.scalar(range))
    let below = x.scaled(by: 1, offset: bias)
      .selected(where: x.compared(.less, to: low), else: site.builder.scalar(0))
    return site.apply(
      Selection(), [x.scaled(by: 1, offset: -bias), below, x.compared(.greater, to: high)]
    ).cast(to: value.type)
  }

  /// γ·elu(x), with its two constants, of which the first version had fewer digits.
  private static func selu(_ site: ImportSite) throws(ConvoyError) -> Value {
    let alpha = try site.attributes.float(
      "alpha", default: site.opset < 6 ? 1.6732 : 1.673_263_2)
    let gamma = try site.attributes.float("gamma", default: site.opset < 6 ? 1.0507 : 1.050_701)
    return site.apply(Elementwise(.elu(alpha: alpha)), [try site.value(0)]).scaled(by: gamma)
  }

  /// α·elu(x ∕ α) with an elu of α = 1.
  private static func celu(_ site: ImportSite) throws(ConvoyError) -> Value {
    let alpha = try site.attributes.float("alpha", default: 1)
    guard alpha > 0 else { throw .refused("an alpha above 0 is expected, got \(alpha)") }
    let scaled = try site.value(0).scaled(by: 1 / alpha)
    return site.apply(Elementwise(.elu(alpha: 1)), [scaled]).scaled(by: alpha)
  }

  private static func swish(_ site: ImportSite) throws(ConvoyError) -> Value {
    try gated(site, scale: site.attributes.float("alpha", default: 1))
  }

  /// x·sigmoid(scale·x)
  private static func gated(_ site: ImportSite, scale: Float) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    return scale == 1
      ? site.apply(Elementwise(.silu), [value])
      : site.apply(
        Arithmetic(.multiply), [value, value.scaled(by: scale).applying(.sigmoid)])
  }

  private static func parametricReLU(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let shape = value.shape
    var slopes = try site.input(1).extents
    // Before version 7 a row had a slope for each channel.
    if site.opset < 7, slopes.count == 1, slopes[0] > 1, shape.rank > 2 {
      slopes += Array(repeating: 1, count: shape.rank - 2)
    }
    let aligned = Array(repeating: 1, count: max(0, shape.rank - slopes.count)) + slopes
    if value.type.isFloating, (2...5).contains(shape.rank), aligned.count == shape.rank,
      aligned.enumerated().allSatisfy({ $1 == 1 || $0 == 1 && $1 == shape[1] })
    {
      return site.apply(ParametricReLU(), [value, try site.parameter(1, as: [aligned[1]])])
    }
    guard value.type.isFloating else {
      let isNegative = value.compared(.less, to: site.scalar(0, value.type))
      return site.apply(Selection(), [value * (try site.value(1)), value, isNegative])
    }
    let slope = try site.parameter(1, as: slopes)
    return value.applying(.relu) - (-value).applying(.relu) * slope
  }
}

extension ImportSite {
  /// A constant scalar of a type.
  func scalar(_ number: Float, _ type: ElementType) -> Value {
    builder.constant(Tensor([], repeating: number).converted(to: type), name: "scalar")
  }

  /// Applies a function to every element, or together with what came before another that is known.
  func applying(_ function: ScalarFunction, to value: Value) -> Value {
    if let (whole, start) = Idioms.function(function, after: value, at: self) {
      return apply(Elementwise(whole), [start])
    }
    return apply(Elementwise(function), [value])
  }
}

// MARK: Export

extension Elementwise: Exportable {
  /// Functions that ONNX has no name for are put together of others.
  func export(at site: ExportSite) throws(ConvoyError) {
    let x = site.inputs[0]
    func gated(by type: String, _ inputs: [String]) {
      site.finish("Mul", [x, site.emit(type, inputs)])
    }
    switch function.activation {
    case is Activations.ReLU: site.finish("Relu", [x])
    case let clip as Activations.Clip:
      site.finish(
        "Clip",
        [x, clip.low == -.infinity ? "" : site.scalar(clip.low)]
          + (clip.high == .infinity ? [] : [site.scalar(clip.high)]))
    case let leaky as Activations.LeakyReLU:
      site.finish("LeakyRelu", [x], [.init("alpha", leaky.slope)])
    case is Activations.Sigmoid: site.finish("Sigmoid", [x])
    case is Activations.Tanh: site.finish("Tanh", [x])
    case let hard as Activations.HardSigmoid:
      site.finish("HardSigmoid", [x], [.init("alpha", hard.slope), .init("beta", hard.offset)])
    case is Activations.HardSwish: site.finish("HardSwish", [x])
    case is Activations.SiLU: gated(by: "Sigmoid", [x])
    case is Activations.GELU:
      let root = site.emit("Erf", [site.emit("Mul", [x, site.scalar(Float(0.5).squareRoot())])])
      let gate = site.emit("Mul", [x, site.emit("Add", [root, site.scalar(1)])])
      site.finish("Mul", [gate, site.scalar(0.5)])
    case is Activations.Exponential: site.finish("Exp", [x])
    case is Activations.Logarithm: site.finish("Log", [x])
    case is Activations.SquareRoot: site.finish("Sqrt", [x])
    case is Activations.Square: site.finish("Mul", [x, x])
    case is Activations.AbsoluteValue: site.finish("Abs", [x])
    case is Activations.Reciprocal: site.finish("Reciprocal", [x])
    case let affine as Activations.Affine:
      if affine.scale == 1 {
        site.finish("Add", [x, site.scalar(affine.offset)])
      } else {
        let product = site.scalar(affine.scale)
        if affine.offset == 0 { return site.finish("Mul", [x, product]) }
        site.finish("Add", [site.emit("Mul", [x, product]), site.scalar(affine.offset)])
      }
    case is Activations.Step: site.finish("Relu", [site.emit("Sign", [x])])
    case is Activations.ErrorFunction: site.finish("Erf", [x])
    case is Activations.Softplus: site.finish("Softplus", [x])
    case is Activations.Softsign: site.finish("Softsign", [x])
    case let elu as Activations.ELU: site.finish("Elu", [x], [.init("alpha", elu.alpha)])
    case is Activations.Mish: gated(by: "Tanh", [site.emit("Softplus", [x])])
    case is Activations.ApproximateGELU:
      let cube = site.emit("Mul", [site.emit("Mul", [x, x]), x])
      let inner = site.emit("Add", [x, site.emit("Mul", [cube, site.scalar(0.044715)])])
      // The sigmoid of 2u is ½·(1 + tanh u).
      let scale = site.scalar(2 * (2 / Float.pi).squareRoot())
      gated(by: "Sigmoid", [site.emit("Mul", [inner, scale])])
    case let power as Activations.Power: site.finish("Pow", [x, site.scalar(power.exponent)])
    default:
      throw ConvoyError(.argument, "ONNX has no form of the function \(function)")
    }
  }
}

extension ParametricReLU: Exportable {
  /// The slopes stand before the extents, along which they are repeated.
  func export(at site: ExportSite) throws(ConvoyError) {
    let extents = Array(repeating: 1, count: max(0, site.inputShapes[0].rank - 2))
    let shape = site.integers([-1] + extents, "shape")
    site.finish("PRelu", [site.inputs[0], site.emit("Reshape", [site.inputs[1], shape])])
  }
}
