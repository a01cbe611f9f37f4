public import ConvoyTensors

// MARK: Attributes

/// The numbers that quantised integers stand for: (q − zero point) · scale.
///
/// Inputs: integers of 8, 16 or 32 bits, scales, and optionally zero points of the integers' type,
/// both in the shape that the scheme says. Output: floats of the first input's shape.
///
/// Source: ONNX, `DequantizeLinear`.
public struct Dequantization: TypedOperator {
  /// See `Operator.name`.
  public static let name = "dequantization"
  /// Which scale belongs to an element.
  public var scheme: QuantizationScheme

  /// Describes the inverse of a quantisation.
  public init(_ scheme: QuantizationScheme = .tensor) { self.scheme = scheme }

  // MARK: Shape and type

  /// The first input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...3)
    try scheme.validate("scales", inputs[1], of: inputs[0])
    if inputs.count == 3 { try scheme.validate("zero points", inputs[2], of: inputs[0]) }
    return [inputs[0]]
  }

  /// Integers of one type, and floats.
  public var types: TypeRule {
    let integers = Quantization.storageTypes.union([.int32])
    return TypeRule(
      [integers, [.float32], integers], isUniform: true, separate: [1], outputs: [.float32])
  }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  // MARK: Definition

  /// One loop over the elements.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let runs = scheme.runs(of: outputs[0].shape)
    return outputs[0].type == .float64
      ? [inputs[0].type.applyToNumber(Loop<Double>(inputs: inputs, runs: runs))]
      : [inputs[0].type.applyToNumber(Loop<Float>(inputs: inputs, runs: runs))]
  }

  private struct Loop<Real: TensorElement & BinaryFloatingPoint>: NumberFunction {
    let inputs: [Tensor]
    let runs: [QuantizationScheme.Run]

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Tensor {
      let integers = inputs[0].known(as: type)
      let scales = inputs[1].known(as: Real.self)
      let zeros = inputs.count == 3 ? inputs[2].known(as: type) : [0]
      /// Differences of integers of 32 bits wrap around.
      @inline(__always) func number(_ q: Number, _ scale: Real, _ zero: Number) -> Real {
        Real(q.converted(to: Int32.self) &- zero.converted(to: Int32.self)) * scale
      }
      let result = [Real](unsafeUninitializedCapacity: integers.count) { result, count in
        for run in runs {
          let zero = zeros[zeros.count == 1 ? 0 : run.scale]
          if run.step == 0 {
            let scale = scales[run.scale]
            for i in run.elements { result[i] = number(integers[i], scale, zero) }
            continue
          }
          for (index, i) in run.elements.enumerated() {
            let place = run.scale + index
            result[i] = number(
              integers[i], scales[place], zeros.count == 1 ? zero : zeros[place])
          }
        }
        count = integers.count
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

  /// `→ numbers`.
  public var glyph: Glyph { Glyph("→ numbers", .elementwise, word: "dequantize") }
}

// MARK: Building

extension Value {
  /// The numbers that quantised integers stand for.
  ///
  /// - Parameters:
  ///   - scale: the scales, in the shape that the scheme says.
  ///   - zeroPoint: the integers that stand for 0; 0 where there are none.
  public func dequantized(
    scale: Value, zeroPoint: Value? = nil, _ scheme: QuantizationScheme = .tensor
  ) -> Value {
    applying(Dequantization(scheme), [scale] + (zeroPoint.map { [$0] } ?? []))
  }
}
