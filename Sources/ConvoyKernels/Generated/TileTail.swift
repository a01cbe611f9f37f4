import ConvoyTensors
import ConvoyTiles

/// What a generated kernel does to its sums before it writes them: nothing, or an activation. Its parameters are
/// arguments, so that kernels of the same kind share their code.
struct TileTail: Hashable, Sendable, CaseIterable, CustomStringConvertible {
  private let kind: (any Activation.Type)?

  static let none = TileTail(nil)
  static let allCases = [none] + Activations.all.map { TileTail($0) }

  private init(_ kind: (any Activation.Type)?) { self.kind = kind }

  /// The tail of a convolution.
  init(_ tail: Tail) { self.init(tail.function.map { type(of: $0.activation) }) }

  /// The application of a function.
  init(_ function: ScalarFunction) { self.init(type(of: function.activation)) }

  static func == (a: TileTail, b: TileTail) -> Bool { a.id == b.id }

  func hash(into hasher: inout Hasher) { hasher.combine(id) }

  private var id: ObjectIdentifier? { kind.map { ObjectIdentifier($0) } }

  /// The activation's name.
  var description: String { kind?.name ?? "none" }

  /// Whether the function takes about as long as its arguments take to come from memory.
  var isCheap: Bool { kind.map { ActivationCode.of($0).value.isCheap } ?? true }

  /// Applies the function to sums, also to what is not a number.
  ///
  /// - Parameters:
  ///   - free: registers that may be overwritten.
  ///   - table: a register that may be overwritten.
  func apply(to sums: [Vector], free: [Vector], table: Integer, _ w: any TileWriter) {
    guard self != .none, !sums.isEmpty else { return }
    let constants = ConstantTable(w, base: table)
    constants.load()
    apply(to: sums[...], free: free, constants, w)
    constants.lay()
  }

  /// Applies the function to registers, with constants in a table that was loaded before.
  func apply(
    to registers: ArraySlice<Vector>, free: [Vector], _ constants: ConstantTable,
    _ w: any TileWriter
  ) {
    guard let kind else { return }
    write(ActivationCode.of(kind).value, to: registers, free: free, constants, w)
  }

  /// Makes registers the derivatives of the function at them.
  func applyDerivative(
    to registers: ArraySlice<Vector>, free: [Vector], _ constants: ConstantTable,
    _ w: any TileWriter
  ) {
    guard let kind else {
      for x in registers { w.broadcast(x, constants.place(1 as Float)) }
      return
    }
    write(ActivationCode.of(kind).derivative, to: registers, free: free, constants, w)
  }

  private func write(
    _ code: FormulaCode, to registers: ArraySlice<Vector>, free: [Vector],
    _ constants: ConstantTable, _ w: any TileWriter
  ) {
    let parameters = w.argument(.parameters)
    code.write(
      w, to: registers, free: free, constants: constants,
      parameters: [parameters, parameters + TileArguments.repeatedBytes], aside: w.argument(.aside))
  }
}
