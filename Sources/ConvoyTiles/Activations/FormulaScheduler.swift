/// How constants and parameters are used.
struct FixedTerms {
  /// Terms that stay in registers for all arguments.
  var inRegisters: [Formula.Term] = []
  /// Terms that are memory operands of instructions.
  var inMemory: [Formula.Term] = []
}

/// Allocates registers to the results of a formula's operations, in order.
///
/// A result takes the register of a term that is used for the last time, if there is one. The
/// registers in use are therefore never more than the results that are live at once.
struct FormulaScheduler {
  private let formula: Formula
  private let hasMasks: Bool
  /// For each operation, the terms whose last use it is.
  private var ending: [Set<Formula.Term>]
  /// Whether each operation's result is used.
  private var isUsed: [Bool]

  private var places: [Formula.Term: Int] = [.argument: 0]
  private var free: Set<Int> = []
  private var registerCount = 1
  private var fixed = FixedTerms()
  private var preparation: [FormulaSchedule.Step] = []
  private var steps: [FormulaSchedule.Step] = []
  /// The index of the operation that is being scheduled.
  private var now = 0
  /// Registers that are free after the operation.
  private var passing: [Int] = []

  /// - Parameter kept: constants and parameters that stay in registers.
  init(_ formula: Formula, hasMasks: Bool, keeping kept: [Formula.Term] = []) {
    self.formula = formula
    self.hasMasks = hasMasks
    let operations = formula.operations
    ending = Array(repeating: [], count: operations.count)
    isUsed = Array(repeating: false, count: operations.count)
    var seen: Set<Formula.Term> = [formula.result]
    for index in operations.indices.reversed() where seen.contains(.result(index)) {
      isUsed[index] = true
      for term in operations[index].terms where !term.isFixed && seen.insert(term).inserted {
        ending[index].insert(term)
      }
    }
    if !seen.contains(.argument) { free.insert(0) }
    for term in kept {
      let register = takeRegisterForAll()
      places[term] = register
      preparation.append(.load(register, term))
    }
  }

  consuming func scheduled() -> (schedule: FormulaSchedule, fixed: FixedTerms) {
    for index in formula.operations.indices where isUsed[index] {
      now = index
      passing = ending[index].compactMap { places[$0] }.sorted()
      let register = schedule(formula.operations[index])
      for term in ending[index] { places[term] = nil }
      free.formUnion(passing)
      free.remove(register)
      places[.result(index)] = register
    }
    if formula.result.isFixed {
      steps.append(.load(0, formula.result))
    } else if let register = places[formula.result], register != 0 {
      steps.append(.copy(0, register))
    }
    let schedule = FormulaSchedule(
      preparation: preparation, steps: steps, temporaryCount: registerCount - 1)
    return (schedule, fixed)
  }

  // MARK: Registers

  private mutating func takeRegister() -> Int {
    if let register = free.min() {
      free.remove(register)
      return register
    }
    registerCount += 1
    return registerCount - 1
  }

  /// A register that stays unchanged for all arguments.
  private mutating func takeRegisterForAll() -> Int {
    registerCount += 1
    return registerCount - 1
  }

  /// The register of a term; a constant or parameter is loaded into one for this operation only.
  private mutating func register(of term: Formula.Term, isKept: Bool = true) -> Int {
    if let register = places[term] { return register }
    if isKept { fixed.inRegisters.appendIfNew(term) }
    let register = takeRegister()
    steps.append(.load(register, term))
    passing.append(register)
    return register
  }

  private mutating func source(of term: Formula.Term) -> FormulaSchedule.Source {
    if let register = places[term] { return .register(register) }
    fixed.inMemory.appendIfNew(term)
    return .fixed(term)
  }

  /// A register for the operation's result: that of a term without further uses, or another.
  private mutating func destination(apartFrom others: [Int] = []) -> Int {
    let candidates = passing.filter { !others.contains($0) }
    // The last result replaces the argument.
    if formula.result == .result(now), !others.contains(0), free.contains(0) || passing.contains(0)
    {
      free.remove(0)
      return 0
    }
    return candidates.last ?? takeRegister()
  }

  // MARK: Operations

  private mutating func schedule(_ operation: Formula.Operation) -> Int {
    switch operation {
    case .combine(let operation, let a, let b):
      let isSwapped = operation.isCommutative && places[a] == nil && places[b] != nil
      let (first, second) = isSwapped ? (b, a) : (a, b)
      let x = register(of: first)
      let y = source(of: second)
      let d = destination()
      steps.append(.combine(operation, d, x, y))
      return d
    case .multiplyAdd(let a, let b, let c): return fuse(a, b, c, isNegated: false)
    case .multiplySubtract(let a, let b, let c): return fuse(a, b, c, isNegated: true)
    case .squareRoot(let a):
      let x = register(of: a)
      let d = destination()
      steps.append(.squareRoot(d, x))
      return d
    case .shift(let a, let count):
      let x = register(of: a)
      let d = destination()
      steps.append(.shift(d, x, count))
      return d
    case .select(let a, where: let comparison, else: let b):
      let question = compare(comparison)
      let x = source(of: a)
      let other = register(of: b)
      let mask = takeMask()
      let d = destination(apartFrom: mask.map { [$0] } ?? [])
      steps.append(.select(d, x, where: question, else: other, mask: mask ?? d))
      return d
    case .keep(let a, where: let comparisons):
      let questions = comparisons.map { compare($0) }
      let x = register(of: a)
      let mask = comparisons.count > 1 ? takeMask() : nil
      let d = destination(apartFrom: hasMasks ? [] : [x] + (mask.map { [$0] } ?? []))
      steps.append(.keep(d, x, where: questions, mask: mask ?? d))
      return d
    case .multiplyNegatives(let a, by: let b):
      let factor = register(of: b)
      let d = copied(a, apartFrom: [factor])
      let mask = takeRegisterForAll()
      preparation.append(.prepareMultiplyingNegatives(mask: mask))
      steps.append(.multiplyNegatives(d, by: factor, mask: mask))
      return d
    }
  }

  /// A register for a comparison's result during the operation, if it must be a vector register.
  private mutating func takeMask() -> Int? {
    if hasMasks { return nil }
    let mask = takeRegister()
    passing.append(mask)
    return mask
  }

  private mutating func compare(_ comparison: Formula.Comparison) -> FormulaSchedule.Comparison {
    FormulaSchedule.Comparison(
      left: register(of: comparison.left), relation: comparison.relation,
      right: source(of: comparison.right))
  }

  /// A register that holds a term and may be overwritten.
  private mutating func copied(_ term: Formula.Term, apartFrom others: [Int]) -> Int {
    guard let register = places[term] else { return register(of: term, isKept: false) }
    if passing.contains(register), !others.contains(register) { return register }
    let copy = takeRegister()
    passing.append(copy)
    steps.append(.copy(copy, register))
    return copy
  }

  /// ±a · b + c, which overwrites one of the three: the one that costs the fewest loads and copies.
  private mutating func fuse(
    _ a: Formula.Term, _ b: Formula.Term, _ c: Formula.Term, isNegated: Bool
  ) -> Int {
    // Loads and copies if a term is overwritten, or else only read. A term that is only read is
    // slightly better, since it may be loaded once for all arguments.
    func cost(overwriting term: Formula.Term) -> Int {
      let isRead = term == c ? a == c || b == c : false
      return !isRead && places[term].map(passing.contains) ?? false ? 0 : 10
    }
    func cost(reading term: Formula.Term) -> Int { places[term] == nil ? 9 : 0 }
    // If the sum is overwritten, one factor may be in memory; if a factor is overwritten, the
    // addend may be.
    let costs = [
      cost(overwriting: c) + min(cost(reading: a), cost(reading: b)),
      cost(overwriting: a) + cost(reading: b), cost(overwriting: b) + cost(reading: a),
    ]
    let least = costs.min() ?? 0
    let homes = [c, a, b].map { formula.result == .result(now) && places[$0] == 0 }
    let choice =
      costs.indices.first { costs[$0] == least && homes[$0] }
      ?? costs.firstIndex(of: least) ?? 0
    if choice == 0 {
      let (first, second) = places[a] == nil ? (b, a) : (a, b)
      let x = register(of: first)
      let y = source(of: second)
      let d = copied(c, apartFrom: [x] + y.registers)
      steps.append(.fuse(isNegated ? .difference : .sum, d, x, y))
      return d
    }
    let (overwritten, factor) = choice == 1 ? (a, b) : (b, a)
    let x = register(of: factor)
    let y = source(of: c)
    // A square overwrites its operand.
    let d = copied(overwritten, apartFrom: (overwritten == factor ? [] : [x]) + y.registers)
    steps.append(.fuse(isNegated ? .negatedProduct : .product, d, x, y))
    return d
  }
}

extension FormulaSchedule.Source {
  fileprivate var registers: [Int] {
    if case .register(let register) = self { [register] } else { [] }
  }
}

extension VectorOperation {
  /// Whether a ∘ b is b ∘ a.
  fileprivate var isCommutative: Bool {
    switch self {
    case .add, .multiply, .and, .xor, .addIntegers: true
    case .subtract, .divide, .maximum, .minimum, .subtractIntegers: false
    }
  }
}

extension [Formula.Term] {
  fileprivate mutating func appendIfNew(_ term: Formula.Term) {
    if !contains(term) { append(term) }
  }
}

extension FormulaSchedule {
  /// The number of temporaries that are used for constants even where they are not free: saving
  /// other registers costs less than loading the constants for each argument.
  private static let worthwhileTemporaries = 3

  /// The largest number of registers that a formula's schedule saves in memory.
  static func maximalTemporaries(of formula: Formula) -> Int {
    let least = FormulaScheduler(formula, hasMasks: false).scheduled().schedule
    return max(least.temporaryCount, worthwhileTemporaries)
  }

  /// Schedules a formula.
  ///
  /// Constants and parameters that must be in registers are loaded once for all arguments, as far
  /// as registers are free; those that may also be memory operands are loaded too, if there are
  /// few.
  ///
  /// - Parameters:
  ///   - hasMasks: whether results of comparisons are in mask registers, and need no vector
  ///     registers.
  ///   - freeCount: temporaries that need not be saved.
  init(_ formula: Formula, hasMasks: Bool, freeCount: Int) {
    let (least, fixed) = FormulaScheduler(formula, hasMasks: hasMasks).scheduled()
    self = least
    var kept: [Formula.Term] = []
    func keep(_ terms: [Formula.Term], limit: Int) {
      for term in terms {
        let trial = FormulaScheduler(formula, hasMasks: hasMasks, keeping: kept + [term])
        let schedule = trial.scheduled().schedule
        if schedule.temporaryCount <= limit {
          self = schedule
          kept.append(term)
        }
      }
    }
    keep(fixed.inRegisters, limit: max(freeCount, Self.worthwhileTemporaries))
    let others = fixed.inMemory.filter { !fixed.inRegisters.contains($0) }
    let isSmall = fixed.inRegisters.count + others.count <= Self.worthwhileTemporaries
    if isSmall { keep(others, limit: freeCount) }
  }
}
