import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let activations: [String: Importing] = [
    "Relu": function { _ in .relu },
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
    "Softplus": function { _ in .softplus },
    "Softsign": function { _ throws(ConvoyError) in .softsign },
    "Gelu": function { site throws(ConvoyError) in
      try site.attributes.string("approximate", default: "none") == "tanh"
        ? .approximateGELU : .gelu
    },
    "Clip": function(clip),
    "Erf": function { _ in .errorFunction },
    "Exp": function { _ in .exponential },
    "Log": function { _ in .logarithm },
    "Sqrt": function { _ in .squareRoot },
    "Abs": function { _ in .absoluteValue },
    "Reciprocal": function { _ in .reciprocal },
    "Neg": function { _ in .affine(scale: -1, offset: 0) },
    "Sign": single { site throws(ConvoyError) in
      let value = try site.value(0)
      return value.applying(.step) - (-value).applying(.step)
    },
    "Identity": { site throws(ConvoyError) in [try site.input(0)] },
    "PRelu": single(parametricReLU),
  ]

  /// An operator that applies a function to every element.
  private static func function(
    _ describe: @escaping @Sendable (ImportSite) throws(ConvoyError) -> ScalarFunction
  ) -> Importing {
    single { site throws(ConvoyError) in site.applying(try describe(site), to: try site.value(0)) }
  }

  private static func clip(_ site: ImportSite) throws(ConvoyError) -> ScalarFunction {
    let low: Float?
    let high: Float?
    if site.opset < 11 {
      low = try site.attributes.float("min", default: -.infinity)
      high = try site.attributes.float("max", default: .infinity)
    } else {
      (low, high) = (try site.scalar(1), try site.scalar(2))
    }
    if low == 0, high ?? .infinity == .infinity { return .relu }
    return .clip(low: low ?? -.infinity, high: high ?? .infinity)
  }

  /// γ·elu(x), with its two constants.
  private static func selu(_ site: ImportSite) throws(ConvoyError) -> Value {
    let alpha = try site.attributes.float("alpha", default: 1.673_263_2)
    let gamma = try site.attributes.float("gamma", default: 1.050_701)
    return site.apply(Elementwise(.elu(alpha: alpha)), [try site.value(0)]).scaled(by: gamma)
  }

  /// α·elu(x ∕ α) with an elu of α = 1.
  private static func celu(_ site: ImportSite) throws(ConvoyError) -> Value {
    let alpha = try site.attributes.float("alpha", default: 1)
    guard alpha > 0 else { throw .refused("an alpha above 0 is expected, got \(alpha)") }
    let scaled = try site.value(0).scaled(by: 1 / alpha)
    return site.apply(Elementwise(.elu(alpha: 1)), [scaled]).scaled(by: alpha)
  }

  /// x·sigmoid(α·x)
  private static func swish(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let alpha = try site.attributes.float("alpha", default: 1)
    return alpha == 1
      ? site.apply(Elementwise(.silu), [value])
      : value * value.scaled(by: alpha).applying(.sigmoid)
  }

  private static func parametricReLU(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let (shape, slopes) = (value.shape, try site.input(1).extents)
    let aligned = Array(repeating: 1, count: max(0, shape.rank - slopes.count)) + slopes
    if (2...5).contains(shape.rank), aligned.count == shape.rank,
      aligned.enumerated().allSatisfy({ $1 == 1 || $0 == 1 && $1 == shape[1] })
    {
      return site.apply(ParametricReLU(), [value, try site.parameter(1, as: [aligned[1]])])
    }
    let slope = try site.parameter(1)
    return value.applying(.relu) - (-value).applying(.relu) * slope
  }
}

extension ImportSite {
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
