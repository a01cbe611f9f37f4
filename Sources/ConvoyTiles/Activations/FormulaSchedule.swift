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
    case combine(VectorOperation, Int, Int, Source)
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

  init(preparation: [Step], steps: [Step], temporaryCount: Int) {
    self.preparation = preparation
    self.steps = steps
    self.temporaryCount = temporaryCount
  }
}
