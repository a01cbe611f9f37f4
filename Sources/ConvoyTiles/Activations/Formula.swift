import ConvoyTensors

/// An activation's formula as a list of operations, from which code is written. The operands of
/// each are constants, parameters and results of earlier operations.
struct Formula: Sendable {
  /// An operand of an operation.
  enum Term: Hashable, Sendable {
    /// The argument of the formula.
    case argument
    /// A constant of 32 bits, the same in all lanes.
    case constant(UInt32)
    /// One of the activation's two parameters.
    case parameter(Int)
    /// The result of an operation, by its index in the list.
    case result(Int)

    /// Whether it is the same in all lanes, and therefore stored in memory.
    var isFixed: Bool {
      switch self {
      case .constant, .parameter: true
      case .argument, .result: false
      }
    }
  }

  /// A comparison of two terms.
  struct Comparison: Hashable, Sendable {
    var left: Term
    var relation: Condition.Relation
    var right: Term
  }

  enum Operation: Hashable, Sendable {
    /// a ∘ b
    case combine(VectorOperation, Term, Term)
    /// a · b + c, rounded once.
    case multiplyAdd(Term, Term, Term)
    /// c − a · b, rounded once.
    case multiplySubtract(Term, Term, Term)
    case squareRoot(Term)
    /// A shift as 32-bit integers: see `TileWriter.shift`.
    case shift(Term, Int)
    /// A term in the lanes where a comparison holds, another elsewhere.
    case select(Term, where: Comparison, else: Term)
    /// A term in the lanes where one or two comparisons hold, 0 elsewhere.
    case keep(Term, where: [Comparison])
    /// a where it is positive, otherwise a · b.
    case multiplyNegatives(Term, by: Term)
  }

  private(set) var operations: [Operation] = []
  private(set) var result = Term.argument

  /// The formula of an activation's value.
  init(valueOf kind: any Activation.Type) { self.init(kind, isDerivative: false) }

  /// The formula of an activation's derivative.
  init(derivativeOf kind: any Activation.Type) { self.init(kind, isDerivative: true) }

  private init(_ kind: any Activation.Type, isDerivative: Bool) {
    func record(_ kind: (some Activation).Type) {
      let recorder = FormulaRecorder()
      let x = RecordedNumber(recorder, .argument)
      let p = (RecordedNumber(recorder, .parameter(0)), RecordedNumber(recorder, .parameter(1)))
      result = (isDerivative ? kind.derivative(x, p) : kind.value(x, p)).term
      operations = recorder.operations
    }
    record(kind)
  }
}

extension Formula.Operation {
  /// The operands of the operation, in the order of the formula.
  var terms: [Formula.Term] {
    switch self {
    case .combine(_, let a, let b), .multiplyNegatives(let a, by: let b): [a, b]
    case .multiplyAdd(let a, let b, let c), .multiplySubtract(let a, let b, let c): [a, b, c]
    case .squareRoot(let a), .shift(let a, _): [a]
    case .select(let a, where: let comparison, else: let b):
      [comparison.left, comparison.right, a, b]
    case .keep(let a, where: let comparisons): comparisons.flatMap { [$0.left, $0.right] } + [a]
    }
  }
}

/// Records the operations of a formula while it is evaluated with `RecordedNumber`s.
final class FormulaRecorder {
  fileprivate(set) var operations: [Formula.Operation] = []
}

/// A symbolic number: the term that it stands for.
struct RecordedNumber: VectorNumber {
  /// Comparisons that must all hold.
  typealias Truth = [Formula.Comparison]

  private let recorder: FormulaRecorder
  let term: Formula.Term

  init(_ recorder: FormulaRecorder, _ term: Formula.Term) {
    self.recorder = recorder
    self.term = term
  }

  private func record(_ operation: Formula.Operation) -> RecordedNumber {
    recorder.operations.append(operation)
    return RecordedNumber(recorder, .result(recorder.operations.count - 1))
  }

  private static func combine(
    _ operation: VectorOperation, _ a: RecordedNumber, _ b: RecordedNumber
  ) -> RecordedNumber {
    a.record(.combine(operation, a.term, b.term))
  }

  func constant(_ number: Double) -> RecordedNumber { constant(bits: Float(number).bitPattern) }
  func constant(bits: UInt32) -> RecordedNumber { RecordedNumber(recorder, .constant(bits)) }

  static func + (a: RecordedNumber, b: RecordedNumber) -> RecordedNumber { combine(.add, a, b) }
  static func - (a: RecordedNumber, b: RecordedNumber) -> RecordedNumber {
    combine(.subtract, a, b)
  }
  static func * (a: RecordedNumber, b: RecordedNumber) -> RecordedNumber {
    combine(.multiply, a, b)
  }
  static func / (a: RecordedNumber, b: RecordedNumber) -> RecordedNumber { combine(.divide, a, b) }
  static prefix func - (x: RecordedNumber) -> RecordedNumber { x ^ x.constant(-0.0) }
  func times(_ b: RecordedNumber, plus c: RecordedNumber) -> RecordedNumber {
    record(.multiplyAdd(term, b.term, c.term))
  }
  func times(_ b: RecordedNumber, from c: RecordedNumber) -> RecordedNumber {
    record(.multiplySubtract(term, b.term, c.term))
  }
  func times(squareOf r: RecordedNumber, plus c: RecordedNumber) -> RecordedNumber {
    (self * r).times(r, plus: c)
  }
  static func maximum(_ a: RecordedNumber, _ b: RecordedNumber) -> RecordedNumber {
    combine(.maximum, a, b)
  }
  static func minimum(_ a: RecordedNumber, _ b: RecordedNumber) -> RecordedNumber {
    combine(.minimum, a, b)
  }
  func squareRoot() -> RecordedNumber { record(.squareRoot(term)) }

  static func & (a: RecordedNumber, b: RecordedNumber) -> RecordedNumber { combine(.and, a, b) }
  static func ^ (a: RecordedNumber, b: RecordedNumber) -> RecordedNumber { combine(.xor, a, b) }
  static func &+ (a: RecordedNumber, b: RecordedNumber) -> RecordedNumber {
    combine(.addIntegers, a, b)
  }
  static func &- (a: RecordedNumber, b: RecordedNumber) -> RecordedNumber {
    combine(.subtractIntegers, a, b)
  }
  static func &<< (a: RecordedNumber, count: Int) -> RecordedNumber {
    a.record(.shift(a.term, count))
  }
  static func &>> (a: RecordedNumber, count: Int) -> RecordedNumber {
    a.record(.shift(a.term, -count))
  }

  private func compare(_ relation: Condition.Relation, _ b: RecordedNumber) -> Truth {
    [Formula.Comparison(left: term, relation: relation, right: b.term)]
  }

  static func .< (a: RecordedNumber, b: RecordedNumber) -> Truth { a.compare(.less, b) }
  static func .<= (a: RecordedNumber, b: RecordedNumber) -> Truth { a.compare(.lessOrEqual, b) }
  static func .> (a: RecordedNumber, b: RecordedNumber) -> Truth { a.compare(.greater, b) }
  static func .== (a: RecordedNumber, b: RecordedNumber) -> Truth { a.compare(.equal, b) }
  func isNotLess(than bound: RecordedNumber) -> Truth { compare(.notLess, bound) }
  func isNotLessOrEqual(to bound: RecordedNumber) -> Truth { compare(.notLessOrEqual, bound) }
  static func both(_ a: Truth, _ b: Truth) -> Truth { a + b }

  static func select(
    _ a: RecordedNumber, where truth: Truth, else b: RecordedNumber
  ) -> RecordedNumber {
    if b.term == .constant(0), truth.count <= 2 { return a.record(.keep(a.term, where: truth)) }
    return truth.reduce(a) {
      $0.record(.select($0.term, where: $1, else: b.term))
    }
  }

  func multiplyingNegatives(by factor: RecordedNumber) -> RecordedNumber {
    record(.multiplyNegatives(term, by: factor.term))
  }
}
