package import ConvoyTensors

/// The function in a micro-kernel's epilogue: none, or an activation. Its parameters are arguments,
/// so that micro-kernels of the same activation share their code.
package struct ActivationKind: Hashable, Sendable, CaseIterable, CustomStringConvertible {
  private let kind: (any Activation.Type)?

  package static let none = ActivationKind(kind: nil)
  package static let allCases = [none] + Activations.all.map { ActivationKind(kind: $0) }

  private init(kind: (any Activation.Type)?) { self.kind = kind }

  /// The application of a function, if there is one.
  package init(_ function: ScalarFunction?) {
    self.init(kind: function.map { type(of: $0.activation) })
  }

  package static func == (a: ActivationKind, b: ActivationKind) -> Bool { a.id == b.id }

  package func hash(into hasher: inout Hasher) { hasher.combine(id) }

  private var id: ObjectIdentifier? { kind.map { ObjectIdentifier($0) } }

  /// The activation's name.
  package var description: String { kind?.name ?? "none" }

  /// Whether evaluating the function takes about as long as loading its arguments from memory.
  package var isCheap: Bool { kind.map { ActivationCode.of($0).value.isCheap } ?? true }

  /// Applies the function to sums, including NaN.
  ///
  /// - Parameters:
  ///   - free: registers that may be overwritten.
  ///   - table: a register that may be overwritten.
  package func apply(to sums: [Vector], free: [Vector], table: Integer, _ w: any TileWriter) {
    guard self != .none, !sums.isEmpty else { return }
    let constants = ConstantTable(w, base: table)
    constants.load()
    apply(to: sums[...], free: free, constants, w)
    constants.lay()
  }

  /// Applies the function to registers, with constants in a table whose address is loaded already.
  package func apply(
    to registers: ArraySlice<Vector>, free: [Vector], _ constants: ConstantTable,
    _ w: any TileWriter
  ) {
    guard let kind else { return }
    write(ActivationCode.of(kind).value, to: registers, free: free, constants, w)
  }

  /// Replaces registers by the derivatives of the function at them.
  package func applyDerivative(
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
      parameters: [parameters, parameters + CommonField.repeatedBytes], aside: w.argument(.aside))
  }
}
