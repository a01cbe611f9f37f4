/// The three linear maps of Winograd's algorithms F(4, 3) and F(2, 5): four outputs of a
/// correlation with three weights, or two of one with five, by six multiplications instead of
/// twelve or ten,
///
///     y = Aᵀ · ((G·g) ⊙ (Bᵀ·d)),        y[i] = Σ g[k] · d[i + k]
///
/// derived from the points 0, ±1∕√2, ±√2 and ∞ by the method of Cook and Toom. In two dimensions,
/// each map is applied to columns and to rows: 36 multiplications for 16 outputs instead of 144, or
/// for 4 instead of 100.
///
/// The product of the polynomials of weights and outputs has six coefficients. It is computed by
/// evaluating both factors at six points and interpolating; the convolution is the transpose of
/// that. A evaluates polynomials with a coefficient for each output, G those of the weights, and B
/// has Lagrange's polynomials. Their denominators are moved into G, where they cost nothing. The
/// absolute values of the points are symmetric about 1 on a logarithmic scale, which keeps the
/// rounding errors of the powers small; with ±1 and ±2 they are four times as large.
///
/// Source: A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks", 2015; the
/// points from B. Barabasz et al., "Error analysis and improving the accuracy of Winograd
/// convolution for deep neural networks", 2020.
package struct WinogradTransform: Sendable {
  /// Weights in each dimension.
  package let taps: Int
  /// Outputs of a tile in each dimension.
  package let outputs: Int
  /// G, which transforms weights: six rows of `taps` numbers.
  package let weight: [[Double]]
  /// A, whose transpose computes outputs: six rows of `outputs` numbers.
  package let output: [[Double]]

  /// For 3×3 weights.
  package static let three = WinogradTransform(taps: 3)
  /// For 5×5 weights.
  package static let five = WinogradTransform(taps: 5)

  private init(taps: Int) {
    self.taps = taps
    let outputs = Self.points - taps + 1
    self.outputs = outputs
    let finite = Self.finite
    weight =
      finite.indices.map { index in
        let others = finite.indices.filter { $0 != index }
        let denominator = others.reduce(1) { $0 * (finite[index] - finite[$1]) }
        return Self.powers(finite[index], taps).map { $0 / denominator }
      } + [Self.infinity(taps)]
    output = finite.map { Self.powers($0, outputs) } + [Self.infinity(outputs)]
  }

  /// The points, and inputs of a tile, in each dimension.
  package static let points = 6

  /// The squares of the points ±a and ±b. Their product is 1, and so are two of B's coefficients.
  private static let squares = (0.5, 2.0)

  /// The finite points: 0, a, −a, b, −b. The last point is ∞.
  package static let finite: [Double] = {
    let (a, b) = (squares.0.squareRoot(), squares.1.squareRoot())
    return [0, a, -a, b, -b]
  }()

  /// Bᵀ, which transforms inputs: six rows of six numbers.
  package static let input: [[Double]] =
    finite.indices.map { lagrange(without: $0) + [0] } + [lagrange(without: nil)]

  /// The coefficients, lowest first, of Π (x − q) over the finite points q except one.
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
