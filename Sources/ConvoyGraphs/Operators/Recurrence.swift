public import ConvoyTensors

// MARK: Attributes

/// The recurrent half of an LSTM, a GRU or a plain recurrent layer, in one direction.
///
/// What the layer's gates get from the input does not depend on earlier steps and is computed
/// before, by a `Linear` over all steps with all biases in it. With T steps, a batch of B, H hidden
/// numbers and G gates (`Cell.gates`), the inputs are:
///
/// - [T, B, G·H]: the gates' inputs.
/// - [G·H, H]: the recurrent weights.
/// - [H]: a bias that a GRU adds before it applies the reset gate; zeros otherwise.
/// - [3, H]: an LSTM's peephole weights of the input, output and forget gate; zeros otherwise.
/// - [B, H]: the hidden numbers before the first step.
/// - [B, H]: an LSTM's cells before the first step; zeros otherwise.
/// - [B] of int64: the number of steps of each sequence.
///
/// Outputs: the hidden numbers after each step, [T, B, H], 0 after a sequence's end; those after the
/// last step, and an LSTM's cells after it, both [B, H].
///
/// Sources: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Cho et al., "Learning Phrase
/// Representations using RNN Encoder–Decoder", 2014; the gates' order is ONNX's.
public struct Recurrence: TypedOperator {
  /// The kind of layer.
  public enum Cell: String, Hashable, Sendable, Codable, CaseIterable {
    /// Gates in the order input, output, forget, cell.
    case lstm
    /// Gates in the order update, reset, hidden.
    case gru
    /// One gate.
    case plain

    /// The number of gates.
    public var gates: Int {
      switch self {
      case .lstm: 4
      case .gru: 3
      case .plain: 1
      }
    }

    /// The number of functions: of gates, of new numbers, and of an LSTM's output.
    public var functionCount: Int {
      switch self {
      case .lstm: 3
      case .gru: 2
      case .plain: 1
      }
    }
  }

  /// See `Operator.name`.
  public static let name = "recurrence"
  /// The kind of layer.
  public var cell: Cell
  /// The functions: of gates, of new numbers, and of an LSTM's output.
  public var functions: [ScalarFunction]
  /// Whether steps are done from a sequence's last to its first.
  public var isReversed: Bool
  /// The largest magnitude of what gates get; nil for no limit.
  public var clip: Float?
  /// Whether an LSTM's forget gate is 1 minus its input gate.
  public var couplesGates: Bool
  /// Whether a GRU multiplies with the recurrent weights before it applies the reset gate.
  public var resetsAfterProduct: Bool

  /// Describes the layer.
  public init(
    _ cell: Cell, functions: [ScalarFunction], isReversed: Bool = false, clip: Float? = nil,
    couplesGates: Bool = false, resetsAfterProduct: Bool = false
  ) {
    self.cell = cell
    self.functions = functions
    self.isReversed = isReversed
    self.clip = clip
    self.couplesGates = couplesGates
    self.resetsAfterProduct = resetsAfterProduct
  }

  // MARK: Shape and type

  /// [T, B, H], [B, H] and [B, H].
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 7...7)
    let gates = inputs[0]
    guard gates.rank == 3, gates[2] % cell.gates == 0 else {
      throw ConvoyError(
        .shape, "expected gates of shape T×B×(\(cell.gates)·H), got \(gates)")
    }
    let (steps, batch, hidden) = (gates[0], gates[1], gates[2] / cell.gates)
    let others = [
      [gates[2], hidden], [hidden], [3, hidden], [batch, hidden], [batch, hidden], [batch],
    ]
    guard inputs.dropFirst().map(\.dimensions) == others else {
      throw ConvoyError(
        .shape, "expected inputs of shapes \(others), got \(inputs.dropFirst().map(\.dimensions))")
    }
    guard functions.count == cell.functionCount else {
      throw ConvoyError(
        .attribute, "expected \(cell.functionCount) functions, got \(functions.count)")
    }
    for function in functions { try function.validate() }
    return [[steps, batch, hidden], [batch, hidden], [batch, hidden]]
  }

  /// 32-bit floats, but for the int64 lengths.
  public var types: TypeRule {
    TypeRule(
      Array(repeating: [.float32], count: 6) + [[.int64]], outputs: [.float32])
  }

  // MARK: Cost

  /// G·H·H for each step and sequence.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    Cost.product(Cost.product(inputs[0][0], inputs[0][1]), inputs[1].elementCount)
  }

  // MARK: Gradient

  /// None: layers that remember are run, not trained.
  public func gradients(at site: GradientSite) -> [Value?] { inputsWithoutGradient }

  private var inputsWithoutGradient: [Value?] { Array(repeating: nil, count: 7) }

  // MARK: Definition

  /// A loop over sequences and their steps.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    inputs[0].type.applyToNumber(RecurrenceLoop(layer: self, inputs: inputs))
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Every output depends on earlier steps, and each hidden number on all.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// The kind, in capitals.
  public var glyph: Glyph {
    switch cell {
    case .lstm: Glyph("LSTM", .convolution)
    case .gru: Glyph("GRU", .convolution)
    case .plain: Glyph("RNN", .convolution)
    }
  }
}
