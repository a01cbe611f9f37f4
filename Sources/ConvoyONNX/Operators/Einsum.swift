import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let einsums: [String: Importing] = [
    "Einsum": single { site throws(ConvoyError) in
      let values = try site.values()
      let equation = try EinsumEquation(
        site.attributes.string("equation", default: ""), ranks: values.map(\.shape.rank))
      return try equation.apply(to: values)
    }
  ]
}

/// The equation of an Einsum: the index of each dimension of its operands and of its output.
struct EinsumEquation {
  /// An index: a letter, or a dimension that an ellipsis stands for, counted from the right.
  enum Index: Hashable {
    case letter(Character)
    case ellipsis(Int)
  }

  private let operands: [[Index]]
  private let output: [Index]

  /// Reads an equation such as `bij,bjk->bik`, whose output may be left out.
  ///
  /// - Parameter ranks: the numbers of dimensions of the operands.
  init(_ text: String, ranks: [Int]) throws(ConvoyError) {
    let sides = text.filter { $0 != " " }.split(separator: "->", omittingEmptySubsequences: false)
    let terms = (sides.first ?? "").split(separator: ",", omittingEmptySubsequences: false)
    guard (1...2).contains(sides.count), terms.count == ranks.count else {
      throw .refused("an equation of \(ranks.count) operands is expected, got ‘\(text)’")
    }
    var operands: [[Index]] = []
    for (term, rank) in zip(terms, ranks) {
      operands.append(try EinsumEquation.indices(term, rank: rank))
    }
    let all = operands.joined()
    let hidden = Set(all).filter { if case .ellipsis = $0 { true } else { false } }.count
    self.operands = operands
    guard sides.count == 1 else {
      let letters = sides[1].filter { $0 != "." }.count
      output = try EinsumEquation.indices(
        sides[1], rank: letters + (sides[1].contains(".") ? hidden : 0))
      guard Set(output).count == output.count, output.allSatisfy(Set(all).contains) else {
        throw .refused("an output of different indices of the operands is expected in ‘\(text)’")
      }
      return
    }
    // Without an output: what an ellipsis stands for, then the letters that stand once, sorted.
    let letters = all.compactMap { index -> Character? in
      if case .letter(let letter) = index { letter } else { nil }
    }
    let once = Set(letters).filter { letter in letters.filter { $0 == letter }.count == 1 }
    output = (0..<hidden).reversed().map { .ellipsis($0) } + once.sorted().map { .letter($0) }
  }

  private static func indices(_ term: Substring, rank: Int) throws(ConvoyError) -> [Index] {
    let parts = term.split(separator: "...", maxSplits: 1, omittingEmptySubsequences: false)
    let letters = parts.joined()
    let hidden = rank - letters.count
    guard letters.allSatisfy({ $0.isASCII && $0.isLetter }), hidden >= 0,
      hidden == 0 || parts.count == 2
    else { throw .refused("the operand ‘\(term)’ does not name \(rank) dimensions") }
    return parts[0].map { .letter($0) }
      + (parts.count == 2 ? (0..<hidden).reversed().map { .ellipsis($0) } : [])
      + (parts.count == 2 ? parts[1].map { .letter($0) } : [])
  }

  /// Operands are multiplied from left to right; an index is summed over as soon as no operand and not the
  /// output has it.
  func apply(to values: [Value]) throws(ConvoyError) -> Value {
    var terms: [EinsumTerm] = []
    for (value, indices) in zip(values, operands) {
      terms.append(try EinsumTerm(value, indices).withoutRepeats())
    }
    var result = terms.removeFirst()
    while !terms.isEmpty {
      let next = terms.removeFirst()
      let needed = Set(output).union(terms.lazy.flatMap(\.indices))
      result = try result.product(next, keeping: needed)
    }
    let summed = result.summed(keeping: Set(output))
    return summed.arranged(output).value
  }
}

/// A value whose dimensions have indices.
private struct EinsumTerm {
  var value: Value
  var indices: [EinsumEquation.Index]

  init(_ value: Value, _ indices: [EinsumEquation.Index]) {
    self.value = value
    self.indices = indices
  }

  private func extent(of index: EinsumEquation.Index) -> Int {
    indices.firstIndex(of: index).map { value.shape[$0] } ?? 1
  }

  /// The dimensions in another order of the same indices.
  func arranged(_ order: [EinsumEquation.Index]) -> EinsumTerm {
    if order == indices { return self }
    let permutation = order.compactMap { indices.firstIndex(of: $0) }
    return EinsumTerm(value.transposed(permutation), order)
  }

  /// The diagonal along dimensions of the same index.
  func withoutRepeats() throws(ConvoyError) -> EinsumTerm {
    var term = self
    while let (first, second) = term.repeated {
      let extent = term.value.shape[first]
      guard term.value.shape[second] == extent else {
        throw .refused("equal extents are expected of an index that stands twice")
      }
      var order = Array(0..<term.indices.count)
      order.remove(at: second)
      order.remove(at: first)
      let kept = order.map { term.value.shape[$0] }
      let flat = term.value.transposed(order + [first, second]).reshaped(kept + [extent * extent])
      let diagonal = flat.applying(
        AxisSlice(dimension: kept.count, start: 0, end: extent * extent, step: extent + 1))
      term = EinsumTerm(diagonal, order.map { term.indices[$0] } + [term.indices[first]])
    }
    return term
  }

  private var repeated: (Int, Int)? {
    for (position, index) in indices.enumerated() {
      if let first = indices[..<position].firstIndex(of: index) { return (first, position) }
    }
    return nil
  }

  /// Summed over the indices that are not needed any more.
  func summed(keeping needed: Set<EinsumEquation.Index>) -> EinsumTerm {
    let others = indices.indices.filter { !needed.contains(indices[$0]) }
    if others.isEmpty { return self }
    return EinsumTerm(value.sum(over: others), indices.filter(needed.contains))
  }

  /// The product with another term, as a product of matrices.
  func product(
    _ other: EinsumTerm, keeping needed: Set<EinsumEquation.Index>
  ) throws(ConvoyError) -> EinsumTerm {
    let (mine, others) = (Set(indices), Set(other.indices))
    let a = summed(keeping: needed.union(others))
    let b = other.summed(keeping: needed.union(mine))
    let shared = a.indices.filter(others.contains)
    let (batch, inner) = (shared.filter(needed.contains), shared.filter { !needed.contains($0) })
    let (rows, columns) = (
      a.indices.filter { !others.contains($0) }, b.indices.filter { !mine.contains($0) }
    )
    var extents: [EinsumEquation.Index: Int] = [:]
    for index in a.indices + b.indices {
      let (x, y) = (a.extent(of: index), b.extent(of: index))
      guard x == y || x == 1 || y == 1 else {
        throw .refused("equal extents are expected of an index, got \(x) and \(y)")
      }
      extents[index] = max(x, y)
    }
    func count(_ indices: [EinsumEquation.Index]) -> Int {
      indices.reduce(1) { $0 * (extents[$1] ?? 1) }
    }
    func matrices(
      _ term: EinsumTerm, _ first: [EinsumEquation.Index], _ second: [EinsumEquation.Index]
    ) -> Value {
      let order = batch + first + second
      let full = Shape(order.map { extents[$0] ?? 1 })
      return term.arranged(order).value.repeated(to: full)
        .reshaped([count(batch), count(first), count(second)])
    }
    let product = matrices(a, rows, inner).matrixProduct(matrices(b, inner, columns))
    let order = batch + rows + columns
    return EinsumTerm(product.reshaped(order.map { extents[$0] ?? 1 }), order)
  }
}
