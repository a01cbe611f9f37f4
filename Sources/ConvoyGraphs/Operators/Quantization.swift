public import ConvoyTensors

// MARK: Attributes

/// Numbers as integers of 8 or 16 bits: the integer nearest to x ∕ scale, ties to even, plus a zero
/// point, limited to the type's range.
///
/// Inputs: numbers of type float32 or int32, scales, and optionally zero points of the output's
/// type, both in the shape that the scheme says. Output: integers of the first input's shape.
///
/// Source: ONNX, `QuantizeLinear`.
public struct Quantization: TypedOperator {
  /// See `Operator.name`.
  public static let name = "quantization"
  /// The type of the output.
  public var type: ElementType
  /// Which scale belongs to an element.
  public var scheme: QuantizationScheme

  /// Describes a quantisation.
  public init(to type: ElementType, _ scheme: QuantizationScheme = .tensor) {
    self.type = type
    self.scheme = scheme
  }

  /// The types that numbers are quantised to.
  public static let storageTypes: Set<ElementType> = [.int8, .uint8, .int16, .uint16]

  // MARK: Shape and type

  /// The first input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...3)
    guard Self.storageTypes.contains(type) else {
      throw ConvoyError(.attribute, "expected an integer type of 8 or 16 bits, got \(type)")
    }
    try scheme.validate("scales", inputs[1], of: inputs[0])
    if inputs.count == 3 { try scheme.validate("zero points", inputs[2], of: inputs[0]) }
    return [inputs[0]]
  }

  /// Numbers, floats and integers of the output's type.
  public var types: TypeRule {
    TypeRule([[.float32, .int32], [.float32], [type]], outputs: [type])
  }

  // MARK: Gradient

  /// None: it is 0 or undefined.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  // MARK: Definition

  /// One loop over the elements. The quotient is that of 32-bit floats, whatever the precision of
  /// the reference: which integer is nearest depends on it.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [type.applyToNumber(Loop(inputs: inputs, runs: scheme.runs(of: outputs[0].shape)))]
  }

  private struct Loop: NumberFunction {
    let inputs: [Tensor]
    let runs: [QuantizationScheme.Run]

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Tensor {
      let numbers = inputs[0].converted(to: .float32).known(as: Float.self)
      let scales = inputs[1].converted(to: .float32).known(as: Float.self)
      let zeros = inputs.count == 3 ? inputs[2].converted(to: .float32).known(as: Float.self) : [0]
      let (lowest, highest) = (
        Float(converting: Number.lowest.converted(to: Int64.self)),
        Float(converting: Number.highest.converted(to: Int64.self))
      )
      /// Limited before it is rounded, as the range is one of integers. Adding 1.5·2²³ rounds to the
      /// nearest integer, ties to even, and leaves it in the low bits. What is not a number becomes
      /// the lowest.
      @inline(__always) func quantized(_ x: Float, _ scale: Float, _ zero: Float) -> Number {
        let quotient = x / scale
        let (low, high) = (lowest - zero, highest - zero)
        let limited = quotient > low ? (quotient < high ? quotient : high) : low
        let bits = Int32(bitPattern: (limited + 0x1.8p23).bitPattern)
        return Number(converting: Int64(bits &- 0x4B40_0000 &+ Int32(zero)))
      }
      let result = [Number](unsafeUninitializedCapacity: numbers.count) { result, count in
        for run in runs {
          let zero = zeros[zeros.count == 1 ? 0 : run.scale]
          if run.step == 0 {
            let scale = scales[run.scale]
            for i in run.elements { result[i] = quantized(numbers[i], scale, zero) }
            continue
          }
          for (index, i) in run.elements.enumerated() {
            let place = run.scale + index
            result[i] = quantized(
              numbers[i], scales[place], zeros.count == 1 ? zero : zeros[place])
          }
        }
        count = numbers.count
      }
      return Tensor(known: inputs[0].shape, result)
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Element by element, but scales belong to positions of the whole tensor.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `→ int8`.
  public var glyph: Glyph { Glyph("→ \(type)", .elementwise, word: "quantize") }
}

// MARK: Building

extension Value {
  /// The elements quantised to integers of 8 or 16 bits.
  ///
  /// - Parameters:
  ///   - type: the type of the integers.
  ///   - scale: the scales, in the shape that the scheme says.
  ///   - zeroPoint: the integers that stand for 0; 0 where there are none.
  public func quantized(
    to type: ElementType, scale: Value, zeroPoint: Value? = nil,
    _ scheme: QuantizationScheme = .tensor
  ) -> Value {
    applying(Quantization(to: type, scheme), [scale] + (zeroPoint.map { [$0] } ?? []))
  }
}
