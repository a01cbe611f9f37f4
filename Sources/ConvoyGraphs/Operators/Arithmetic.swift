public import ConvoyTensors

// MARK: Attributes

/// Arithmetic on two tensors, element by element, with broadcasting.
///
/// Inputs: two tensors of 32-bit floats, or of integers of one type. Integers that overflow wrap
/// around; their quotients are rounded toward zero (`NumberElement`). Shapes are aligned at the
/// right; an extent of 1, or a missing one, is repeated to the other's.
public struct Arithmetic: ChannelAffineOperator, TypedOperator {
  /// The function of two numbers.
  public typealias Function = ArithmeticFunction

  /// See `Operator.name`.
  public static let name = "arithmetic"
  /// The function.
  public var function: Function

  /// Describes the arithmetic.
  public init(_ function: Function) { self.function = function }

  // MARK: Shape

  /// The broadcast of both shapes.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    return [try inputs[0].broadcast(with: inputs[1])]
  }

  /// Numbers of one type, which is kept.
  public var types: TypeRule { .kept(.numbers) }

  // MARK: Gradient

  /// By the derivative of each function; a repeated operand gets the sum over its repetitions.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (a, b, g) = (site.inputs[0], site.inputs[1], site.outputGradient)
    let (toA, toB): (() -> Value, () -> Value) =
      switch function {
      case .add: ({ g }, { g })
      case .subtract: ({ g }, { -g })
      case .multiply: ({ g * b }, { g * a })
      case .divide: ({ g / b }, { -(g * a / (b * b)) })
      // Where both are equal, b gets the gradient, as the function itself returns b.
      case .maximum: ({ g * a.isGreater(than: b) }, { g - g * a.isGreater(than: b) })
      case .minimum: ({ g * b.isGreater(than: a) }, { g - g * b.isGreater(than: a) })
      case .power:
        (
          { g * b * a.power(b - b.builder.scalar(1)) },
          { g * a.power(b) * a.logarithm() }
        )
      }
    return [
      site.isNeeded[0] ? toA().summed(to: a.shape) : nil,
      site.isNeeded[1] ? toB().summed(to: b.shape) : nil,
    ]
  }

  // MARK: Definition

  /// One loop over the outputs.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [
      inputs[0].type.applyToNumber(
        Loop(function: function, inputs: inputs, shape: outputs[0].shape))
    ]
  }

  private struct Loop: NumberFunction {
    let function: Function
    let inputs: [Tensor]
    let shape: Shape

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Tensor {
      inputs.combined(to: shape, as: type) { function($0, $1) }
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .arithmetic(function) }

  /// Arithmetic on an image and a tensor that broadcasts one number to each channel.
  public func channelAffine(numbers: [Tensor?], shapes: [Shape]) -> ChannelAffine? {
    guard let position = numbers.firstIndex(where: { $0 == nil }),
      let tensor = numbers[1 - position],
      let values = tensor.numbersByChannel(of: shapes[position])
    else { return nil }
    let (ones, zeros) = (values.map { _ in 1.0 }, values.map { _ in 0.0 })
    let isFirst = position == 0
    let (factors, shifts): ([Double], [Double])
    switch function {
    case .add: (factors, shifts) = (ones, values)
    case .subtract:
      (factors, shifts) = isFirst ? (ones, values.map { -$0 }) : (ones.map { -$0 }, values)
    case .multiply: (factors, shifts) = (values, zeros)
    case .divide where isFirst && !values.contains(0):
      (factors, shifts) = (values.map { 1 / $0 }, zeros)
    default: return nil
    }
    return ChannelAffine(image: position, factors: factors, shifts: shifts, alwaysHasShift: false)
  }

  /// Element by element.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(.computes)
  }

  /// The same function.
  public func transposedForm(places: [Int]) -> TransposedForm? { TransposedForm(self, places) }

  // MARK: Glyph

  /// The function's symbol; its word, if it has one.
  public var glyph: Glyph { Glyph(function.symbol, .elementwise, word: function.word) }
}

extension Tensor {
  /// The number that broadcasting assigns to each channel of an image, if it is one for each.
  fileprivate func numbersByChannel(of image: Shape) -> [Double]? {
    guard type == .float32, image.rank >= 2, shape.rank <= image.rank else { return nil }
    if shape.elementCount == 1 { return Array(repeating: Double(elements[0]), count: image[1]) }
    let isByChannel = (0..<shape.rank).allSatisfy { d in
      shape[d] == (d + image.rank - shape.rank == 1 ? image[1] : 1)
    }
    return isByChannel && shape.rank >= image.rank - 1 ? elements.map(Double.init) : nil
  }
}

extension ReferenceTensor {
  /// The element that broadcasting assigns to a position of the larger shape.
  func broadcastElement(at position: [Int]) -> Double {
    self[zip(position.suffix(shape.rank), shape.dimensions).map { $1 == 1 ? 0 : $0 }]
  }
}

// MARK: Building

extension GraphBuilder {
  /// A constant scalar.
  public func scalar(_ value: Float) -> Value {
    constant(Tensor([], repeating: value), name: "scalar")
  }
}

extension Value {
  /// a + b, with broadcasting.
  public static func + (a: Value, b: Value) -> Value { a.applying(Arithmetic(.add), [b]) }
  /// a − b, with broadcasting.
  public static func - (a: Value, b: Value) -> Value { a.applying(Arithmetic(.subtract), [b]) }
  /// a · b, with broadcasting.
  public static func * (a: Value, b: Value) -> Value { a.applying(Arithmetic(.multiply), [b]) }
  /// a ∕ b, with broadcasting.
  public static func / (a: Value, b: Value) -> Value { a.applying(Arithmetic(.divide), [b]) }
  /// The larger of both, element by element, with broadcasting.
  public func maximum(_ other: Value) -> Value { applying(Arithmetic(.maximum), [other]) }
  /// The smaller of both, element by element, with broadcasting.
  public func minimum(_ other: Value) -> Value { applying(Arithmetic(.minimum), [other]) }
  /// This to a power, with broadcasting.
  public func power(_ exponent: Value) -> Value { applying(Arithmetic(.power), [exponent]) }

  /// 1 where this is greater than another, otherwise 0; not differentiated.
  func isGreater(than other: Value) -> Value { (self - other).applying(Elementwise(.step)) }
}
