package import ConvoyTensors

/// The code of an activation's value and derivative.
package struct ActivationCode: Sendable {
  package let value: FormulaCode
  package let derivative: FormulaCode

  private init(_ kind: any Activation.Type) {
    value = FormulaCode(Formula(valueOf: kind))
    derivative = FormulaCode(Formula(derivativeOf: kind))
  }

  private static let known = Dictionary(
    uniqueKeysWithValues: Activations.all.map { (ObjectIdentifier($0), ActivationCode($0)) })

  /// The code of an activation.
  package static func of(_ kind: any Activation.Type) -> ActivationCode {
    known[ObjectIdentifier(kind)] ?? ActivationCode(kind)
  }

  /// The largest number of registers that any activation's code saves in memory.
  package static let maximalTemporaries =
    known.values.flatMap { [$0.value, $0.derivative] }.map(\.maximalTemporaries).max() ?? 0
}

/// The code of a formula, which is applied to registers in place.
package struct FormulaCode: Sendable {
  private let formula: Formula

  init(_ formula: Formula) { self.formula = formula }

  /// Whether a vector is computed in about the time of loading it from memory.
  package var isCheap: Bool { formula.operations.count < 8 }

  /// The largest number of registers that the code saves in memory.
  fileprivate var maximalTemporaries: Int { FormulaSchedule.maximalTemporaries(of: formula) }

  /// Bytes from a saved register to the next: the size of the widest vector register.
  package static let asideBytes = 64

  /// Writes the code.
  ///
  /// Where too few registers are free, others are saved in memory meanwhile, including arguments
  /// whose turn comes later.
  ///
  /// - Parameters:
  ///   - registers: the arguments of the formula, which its results replace.
  ///   - free: registers that may be overwritten.
  ///   - constants: the table of constants.
  ///   - parameters: the place of the two parameters, each repeated as constants are in their
  ///     table.
  ///   - aside: the place of memory for `ActivationCode.maximalTemporaries` registers.
  package func write(
    _ w: any TileWriter, to registers: ArraySlice<Vector>, free: [Vector],
    constants: ConstantTable, parameters: [Place], aside: Place
  ) {
    let schedule = FormulaSchedule(
      formula, hasMasks: w.unit.hasMasks, freeCount: free.count)
    let lacking = max(0, schedule.temporaryCount - free.count)
    // Where registers are saved, at most half of the arguments are processed at once, so that the
    // others can be saved.
    let room = w.unit.registerCount - schedule.temporaryCount
    let turns = lacking == 0 ? 1 : max(2, (registers.count + room - 1) / room)
    for turn in (0..<turns).map({ registers.part($0, of: turns) }) where !turn.isEmpty {
      let others = (0..<w.unit.registerCount).map(Vector.init)
        .filter { !turn.contains($0) && !free.contains($0) }
      let lent = others.prefix(lacking)
      for (index, register) in lent.enumerated() {
        w.putAside(aside + index * FormulaCode.asideBytes, register)
      }
      let steps = StepWriter(w, temporaries: free + lent, constants, parameters)
      for step in schedule.preparation { steps.write(step, argument: turn[turn.startIndex]) }
      for x in turn { for step in schedule.steps { steps.write(step, argument: x) } }
      for (index, register) in lent.enumerated() {
        w.takeBack(register, aside + index * FormulaCode.asideBytes)
      }
    }
  }
}

extension ArraySlice {
  /// One of several parts of about the same length.
  fileprivate func part(_ index: Int, of count: Int) -> ArraySlice {
    self[startIndex + index * self.count / count..<startIndex + (index + 1) * self.count / count]
  }
}

/// Writes steps with the registers that their numbers stand for.
private struct StepWriter {
  private let w: any TileWriter
  private let temporaries: [Vector]
  private let constants: ConstantTable
  private let parameters: [Place]

  init(
    _ w: any TileWriter, temporaries: [Vector], _ constants: ConstantTable, _ parameters: [Place]
  ) {
    self.w = w
    self.temporaries = temporaries
    self.constants = constants
    self.parameters = parameters
  }

  func write(_ step: FormulaSchedule.Step, argument: Vector) {
    func vector(_ number: Int) -> Vector { number == 0 ? argument : temporaries[number - 1] }
    func operand(_ source: FormulaSchedule.Source) -> Operand {
      switch source {
      case .register(let number): .vector(vector(number))
      case .fixed(let term): .repeated(place(of: term))
      }
    }
    func condition(_ comparison: FormulaSchedule.Comparison) -> Condition {
      Condition(vector(comparison.left), comparison.relation, operand(comparison.right))
    }
    switch step {
    case .load(let d, .constant(0)): w.clear(vector(d))
    case .load(let d, let term): w.broadcast(vector(d), place(of: term))
    case .copy(let d, let s): w.copy(vector(d), vector(s))
    case .combine(let operation, let d, let a, let b):
      w.combine(operation, vector(d), vector(a), operand(b))
    case .fuse(let form, let d, let a, let b): w.fuse(form, vector(d), vector(a), operand(b))
    case .squareRoot(let d, let s): w.squareRoot(vector(d), vector(s))
    case .shift(let d, let s, let count): w.shift(vector(d), vector(s), by: count)
    case .select(let d, let s, where: let comparison, else: let other, let mask):
      w.select(
        vector(d), operand(s), where: condition(comparison), else: vector(other), vector(mask))
    case .keep(let d, let s, where: let comparisons, let mask):
      w.keep(vector(d), vector(s), where: comparisons.map(condition), vector(mask))
    case .prepareMultiplyingNegatives(let mask): w.prepareMultiplyingNegatives(vector(mask))
    case .multiplyNegatives(let d, by: let factor, let mask):
      w.multiplyNegatives(vector(d), vector(factor), vector(mask))
    }
  }

  /// The place of a constant or a parameter.
  private func place(of term: Formula.Term) -> Place {
    switch term {
    case .constant(let bits): constants.place(bits: bits)
    case .parameter(let index): parameters[index]
    case .argument, .result: preconditionFailure("what is computed does not stand in memory")
    }
  }
}
