/// The three linear maps of the fast convolution F(4, 3): four outputs of a correlation with three
/// weights by six multiplications instead of twelve,
///
///     y = Aᵀ · ((G·g) ⊙ (Bᵀ·d)),        y[i] = Σ g[k] · d[i + k]
///
/// made from the points 0, ±1∕√2, ±√2 and ∞ by the method of Cook and Toom. In two dimensions each map
/// is applied to columns and to rows: 36 multiplications for 16 outputs instead of 144.
///
/// The polynomial product of weights and outputs has six coefficients. It is found by evaluating both
/// factors at six points and interpolating; the convolution is the transpose of that: A evaluates
/// polynomials of four coefficients, G those of three, and B holds Lagrange's polynomials, whose
/// denominators are moved into G, where they cost nothing. The points' magnitudes lie evenly about 1,
/// which keeps the rounding errors of the powers small; with ±1 and ±2 they are four times as large.
///
/// Source: A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks", 2015; the points
/// from B. Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution for deep
/// neural networks", 2020.
enum WinogradTransform {
  /// Outputs of a tile in each dimension.
  static let outputs = 4
  /// Weights in each dimension.
  static let taps = 3
  /// Points, and inputs of a tile, in each dimension.
  static let points = 6

  /// The squares of the points ±a and ±b. Their product is 1, and so are two of B's coefficients.
  private static let squares = (0.5, 2.0)

  /// The finite points: 0, a, −a, b, −b. The last point is ∞.
  static let finite: [Double] = {
    let (a, b) = (squares.0.squareRoot(), squares.1.squareRoot())
    return [0, a, -a, b, -b]
  }()

  /// Bᵀ, which transforms inputs: six rows of six numbers.
  static let input: [[Double]] =
    finite.indices.map { lagrange(without: $0) + [0] } + [lagrange(without: nil)]

  /// G, which transforms weights: six rows of three numbers.
  static let weight: [[Double]] =
    finite.indices.map { index in
      let others = finite.indices.filter { $0 != index }
      let denominator = others.reduce(1) { $0 * (finite[index] - finite[$1]) }
      return powers(finite[index], taps).map { $0 / denominator }
    } + [infinity(taps)]

  /// A, whose transpose makes outputs: six rows of four numbers.
  static let output: [[Double]] = finite.map { powers($0, outputs) } + [infinity(outputs)]

  /// The coefficients, lowest first, of Π (x − q) over the finite points q but one.
  private static func lagrange(without index: Int?) -> [Double] {
    finite.indices.filter { $0 != index }.reduce([1]) { product, other in
      zip([0] + product, product.map { $0 * finite[other] } + [0]).map { $0 - $1 }
    }
  }

  private static func powers(_ x: Double, _ count: Int) -> [Double] {
    (1..<count).reduce(into: [1]) { powers, _ in powers.append(powers[powers.count - 1] * x) }
  }

  /// The value at ∞ is the highest coefficient.
  private static func infinity(_ count: Int) -> [Double] {
    Array(repeating: 0, count: count - 1) + [1]
  }
}
