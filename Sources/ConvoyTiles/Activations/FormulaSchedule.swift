/// A formula in the operations of a `TileWriter`, with registers allocated to its results by their
/// last use.
///
/// Registers are numbered: 0 is the argument's and the result's, the others are temporaries. The
/// schedule of a formula is always the same.
struct FormulaSchedule {
  /// A register, or a fixed number in memory.
  enum Source: Hashable {
    case register(Int)
    /// A constant or a parameter.
    case fixed(Formula.Term)
  }

  struct Comparison: Hashable {
    var left: Int
    var relation: Condition.Relation
    var right: Source
  }

  /// An operation of `TileWriter`, with the destination first.
  enum Step: Hashable {
    case load(Int, Formula.Term)
    case copy(Int, Int)
    case combine(Arithmetic, Int, Int, Source)
    case fuse(FusedForm, Int, Int, Source)
    case squareRoot(Int, Int)
    case shift(Int, Int, Int)
    case select(Int, Source, where: Comparison, else: Int, mask: Int)
    case keep(Int, Int, where: [Comparison], mask: Int)
    case prepareMultiplyingNegatives(mask: Int)
    case multiplyNegatives(Int, by: Int, mask: Int)
  }

  /// The steps that are executed once, for any number of arguments.
  private(set) var preparation: [Step] = []
  /// The steps that are executed for each argument.
  private(set) var steps: [Step] = []
  /// The registers that are needed besides those of the arguments.
  private(set) var temporaryCount = 0

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

  init(preparation: [Step], steps: [Step], temporaryCount: Int) {
    self.preparation = preparation
    self.steps = steps
    self.temporaryCount = temporaryCount
  }
}
