/// A formula in the verbs of a `TileWriter`, with registers given to what it computes, by when each is used last.
///
/// Registers are numbered: 0 is the argument's, where the result will be, the others are temporaries. A formula always
/// has the same schedule.
struct FormulaSchedule {
  /// A register or something fixed in memory.
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

  /// A verb of `TileWriter`, the destination first.
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

  /// What is done once, for any number of arguments.
  private(set) var preparation: [Step] = []
  /// What is done for each argument.
  private(set) var steps: [Step] = []
  /// Registers that are needed beside those of the arguments.
  private(set) var temporaryCount = 0

  /// As many temporaries are taken for constants even where they are not free: to put other registers aside costs less
  /// than to load constants for each argument.
  private static let worthwhileTemporaries = 3

  /// The most registers that a formula's schedule puts aside.
  static func maximalTemporaries(of formula: Formula) -> Int {
    let least = FormulaScheduler(formula, hasMasks: false).scheduled().schedule
    return max(least.temporaryCount, worthwhileTemporaries)
  }

  /// Schedules a formula.
  ///
  /// Constants and parameters that must be in registers are loaded once for all arguments, as far as registers are
  /// free; those that could stay in memory too, if there are few.
  ///
  /// - Parameters:
  ///   - hasMasks: whether results of comparisons need no vector registers.
  ///   - freeCount: temporaries that cost nothing.
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
