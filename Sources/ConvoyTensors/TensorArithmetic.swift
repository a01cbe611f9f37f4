// Arithmetic on whole tensors, for scripts and tests: plain loops on one thread. For speed, build
// and compile a graph.
//
// Operands have the same type; shapes broadcast as in `Arithmetic`. Half-precision elements are
// computed as 32-bit floats and rounded. Integers that overflow wrap around, and division rounds
// toward zero. Shapes or types that do not fit are programmers' errors, like an index out of range.

extension Tensor {
  /// The sum, element by element.
  public static func + (a: Tensor, b: Tensor) -> Tensor { combine(a, b, .add) }
  /// The difference, element by element.
  public static func - (a: Tensor, b: Tensor) -> Tensor { combine(a, b, .subtract) }
  /// The product, element by element.
  public static func * (a: Tensor, b: Tensor) -> Tensor { combine(a, b, .multiply) }
  /// The quotient, element by element.
  ///
  /// - Precondition: no integer is divided by 0.
  public static func / (a: Tensor, b: Tensor) -> Tensor { combine(a, b, .divide) }

  /// The sum of every element and a number.
  public static func + (a: Tensor, b: some TensorScalar) -> Tensor { a + Tensor(b, as: a.type) }
  /// The difference of every element and a number.
  public static func - (a: Tensor, b: some TensorScalar) -> Tensor { a - Tensor(b, as: a.type) }
  /// The product of every element and a number.
  public static func * (a: Tensor, b: some TensorScalar) -> Tensor { a * Tensor(b, as: a.type) }
  /// Every element divided by a number.
  public static func / (a: Tensor, b: some TensorScalar) -> Tensor { a / Tensor(b, as: a.type) }
  /// The sum of a number and every element.
  public static func + (a: some TensorScalar, b: Tensor) -> Tensor { Tensor(a, as: b.type) + b }
  /// The difference of a number and every element.
  public static func - (a: some TensorScalar, b: Tensor) -> Tensor { Tensor(a, as: b.type) - b }
  /// The product of a number and every element.
  public static func * (a: some TensorScalar, b: Tensor) -> Tensor { Tensor(a, as: b.type) * b }
  /// A number divided by every element.
  public static func / (a: some TensorScalar, b: Tensor) -> Tensor { Tensor(a, as: b.type) / b }
  /// Every element negated, modulo 2ⁿ for unsigned integers of n bits.
  public static prefix func - (a: Tensor) -> Tensor {
    a.type.isFloating ? a * -1 : Tensor(zeros: [], type: a.type) - a
  }

  /// A number as a tensor of rank 0.
  ///
  /// - Precondition: an integer type can represent the number.
  private init(_ scalar: some TensorScalar, as type: ElementType) {
    let value = Tensor([], storage: TensorStorage([scalar.double])).converted(to: type)
    precondition(
      type.isFloating || value.doubles[0] == scalar.double,
      "A tensor of \(type) cannot be combined with \(scalar).")
    self = value
  }
}

/// A number that can be combined with every element of a tensor.
public protocol TensorScalar {
  /// The number.
  var double: Double { get }
}

extension Int: TensorScalar {
  /// The number.
  public var double: Double { Double(self) }
}

extension Float: TensorScalar {
  /// The number.
  public var double: Double { Double(self) }
}

extension Double: TensorScalar {
  /// The number.
  public var double: Double { self }
}

// MARK: - Comparisons

extension Tensor {
  /// Whether both are equal, element by element: a tensor of truth values.
  public static func .== (a: Tensor, b: Tensor) -> Tensor { compare(a, b, .equal) }
  /// Whether both differ, element by element.
  public static func .!= (a: Tensor, b: Tensor) -> Tensor { compare(a, b, .notEqual) }
  /// Whether the first is less, element by element.
  public static func .< (a: Tensor, b: Tensor) -> Tensor { compare(a, b, .less) }
  /// Whether the first is less or equal, element by element.
  public static func .<= (a: Tensor, b: Tensor) -> Tensor { compare(a, b, .lessOrEqual) }
  /// Whether the first is greater, element by element.
  public static func .> (a: Tensor, b: Tensor) -> Tensor { compare(b, a, .less) }
  /// Whether the first is greater or equal, element by element.
  public static func .>= (a: Tensor, b: Tensor) -> Tensor { compare(b, a, .lessOrEqual) }

  /// Whether each element equals a number.
  public static func .== (a: Tensor, b: some TensorScalar) -> Tensor { a .== Tensor(b, as: a.type) }
  /// Whether each element differs from a number.
  public static func .!= (a: Tensor, b: some TensorScalar) -> Tensor { a .!= Tensor(b, as: a.type) }
  /// Whether each element is less than a number.
  public static func .< (a: Tensor, b: some TensorScalar) -> Tensor { a .< Tensor(b, as: a.type) }
  /// Whether each element is less than or equal to a number.
  public static func .<= (a: Tensor, b: some TensorScalar) -> Tensor { a .<= Tensor(b, as: a.type) }
  /// Whether each element is greater than a number.
  public static func .> (a: Tensor, b: some TensorScalar) -> Tensor { a .> Tensor(b, as: a.type) }
  /// Whether each element is greater than or equal to a number.
  public static func .>= (a: Tensor, b: some TensorScalar) -> Tensor { a .>= Tensor(b, as: a.type) }
}

// MARK: - Sums

extension Tensor {
  /// The sum of all elements, added in Double in their order; truth values count as 0 and 1.
  public func sum() -> Double { doubles.reduce(0, +) }

  /// The mean of all elements.
  public func mean() -> Double { sum() / Double(shape.elementCount) }

  /// The smallest element; NaN if one is.
  public func minimum() -> Double { doubles.reduce(.infinity) { .minimumOrNaN($0, $1) } }

  /// The largest element; NaN if one is.
  public func maximum() -> Double { -doubles.reduce(.infinity) { .minimumOrNaN($0, -$1) } }

  /// The sums along a dimension, which the result does not have; added in Double and rounded to the
  /// tensor's type.
  ///
  /// - Precondition: the dimension is one of the tensor's.
  public func sum(along dimension: Int) -> Tensor {
    precondition(
      shape.dimensions.indices.contains(dimension), "\(shape) has no dimension \(dimension).")
    let (extent, inner) = (shape[dimension], shape.strides[dimension])
    var extents = shape.dimensions
    extents.remove(at: dimension)
    let all = doubles
    let sums = (0..<shape.elementCount / extent).map { index in
      let first = index / inner * inner * extent + index % inner
      return (0..<extent).reduce(0) { $0 + all[first + $1 * inner] }
    }
    return Tensor(Shape(extents), storage: TensorStorage(sums)).converted(to: type)
  }

  /// The means along a dimension, which the result does not have.
  ///
  /// - Precondition: the dimension is one of the tensor's.
  public func mean(along dimension: Int) -> Tensor {
    sum(along: dimension) / Double(shape[dimension])
  }

  /// A tensor of float64 elements in row-major order.
  ///
  /// - Precondition: the number of elements is the shape's.
  package init(doubles: [Double], _ shape: Shape) {
    precondition(doubles.count == shape.elementCount)
    self.init(shape, storage: TensorStorage(doubles))
  }

  /// The elements as doubles; integers beyond 2⁵³ are rounded.
  package var doubles: [Double] {
    type == .float32 ? elements.map(Double.init) : storage.stored.converted(to: Double.self)
  }
}

extension Double {
  fileprivate static func minimumOrNaN(_ a: Double, _ b: Double) -> Double {
    a.isNaN || b.isNaN ? .nan : Swift.min(a, b)
  }
}

// MARK: - Loops

extension Tensor {
  /// Two tensors of one type, broadcast to the same shape.
  private static func aligned(_ a: Tensor, _ b: Tensor) -> (Tensor, Tensor) {
    precondition(a.type == b.type, "Tensors of \(a.type) and \(b.type) were combined; convert one.")
    do throws(ConvoyError) {
      let shape = try a.shape.broadcast(with: b.shape)
      return (try a.broadcast(to: shape), try b.broadcast(to: shape))
    } catch {
      preconditionFailure("Tensors were combined: \(error.message).")
    }
  }

  private static func combine(_ a: Tensor, _ b: Tensor, _ function: BinaryFunction) -> Tensor {
    let (a, b) = aligned(a, b)
    precondition(a.type != .bool, "There is no arithmetic on truth values; convert them.")
    let result =
      if a.type.isFloating {
        zip(a, b) { (x: Double, y: Double) in function(x, y) }
      } else if a.type.isSigned {
        zip(a, b) { (x: Int64, y: Int64) in function(x, y) }
      } else {
        zip(a, b) { (x: UInt64, y: UInt64) in function(x, y) }
      }
    return result.converted(to: a.type)
  }

  private static func compare(_ a: Tensor, _ b: Tensor, _ comparison: Comparison) -> Tensor {
    let (a, b) = aligned(a, b)
    return if a.type.isFloating {
      zip(a, b) { (x: Double, y: Double) in comparison(x, y) }
    } else if a.type.isSigned {
      zip(a, b) { (x: Int64, y: Int64) in comparison(x, y) }
    } else {
      zip(a, b) { (x: UInt64, y: UInt64) in comparison(x, y) }
    }
  }

  /// Applies a function to the elements of two tensors of one shape, in a type that can represent
  /// the elements of both.
  private static func zip<Wide: TensorElement, Result: TensorElement>(
    _ a: Tensor, _ b: Tensor, _ function: (Wide, Wide) -> Result
  ) -> Tensor {
    let (x, y) = (
      a.storage.stored.converted(to: Wide.self), b.storage.stored.converted(to: Wide.self)
    )
    return Tensor(a.shape, storage: TensorStorage(x.indices.map { function(x[$0], y[$0]) }))
  }
}

private enum BinaryFunction {
  case add, subtract, multiply, divide

  func callAsFunction(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    }
  }

  func callAsFunction<Integer: FixedWidthInteger>(_ a: Integer, _ b: Integer) -> Integer {
    switch self {
    case .add: return a &+ b
    case .subtract: return a &- b
    case .multiply: return a &* b
    case .divide:
      precondition(b != 0, "An integer was divided by 0.")
      // The smallest integer divided by −1 wraps around too.
      return a.dividedReportingOverflow(by: b).partialValue
    }
  }
}

private enum Comparison {
  case equal, notEqual, less, lessOrEqual

  func callAsFunction<Number: Comparable>(_ a: Number, _ b: Number) -> Bool {
    switch self {
    case .equal: a == b
    case .notEqual: a != b
    case .less: a < b
    case .lessOrEqual: a <= b
    }
  }
}
