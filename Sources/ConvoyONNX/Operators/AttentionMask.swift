import ConvoyGraphs
import ConvoyTensors

/// What is added to the scores of an attention: 0 where a query may see a key, −∞ where not.
struct AttentionMask {
  /// The number of keys before the first query.
  enum Offset {
    case known(Int)
    /// The number of valid keys of each image of the batch, [B], which end with the last query.
    case ofBatch(Value)
  }

  private let builder: GraphBuilder
  private let queries: Int
  private let keys: Int
  /// Broadcasts to [B, H, queries, keys].
  private var bias: Value?

  init(_ builder: GraphBuilder, queries: Int, keys: Int) {
    self.builder = builder
    self.queries = queries
    self.keys = keys
  }

  /// Adds a mask of floats, which are added to scores, or of truth values, which say what is seen. What it
  /// has no numbers for is hidden.
  mutating func add(_ mask: Value) {
    var mask = mask
    if mask.type == .bool { mask = bias(where: mask) }
    let (rank, missing) = (mask.shape.rank, keys - (mask.shape.dimensions.last ?? keys))
    if rank > 0, missing > 0 {
      var after = Array(repeating: 0, count: rank)
      after[rank - 1] = missing
      mask = mask.applying(
        Pad(before: Array(repeating: 0, count: rank), after: after, value: -.infinity))
    }
    combine(mask)
  }

  /// Hides keys that stand more than a number of places after the query.
  mutating func limit(after count: Int, _ offset: Offset) {
    combine(bias(where: positions(offset, moved: count).compared(.greaterOrEqual, to: keyIndices)))
  }

  /// Hides keys that stand more than a number of places before the query.
  mutating func limit(before count: Int, _ offset: Offset) {
    combine(bias(where: positions(offset, moved: -count).compared(.lessOrEqual, to: keyIndices)))
  }

  /// Hides keys behind the end of each image's sequence, [B].
  mutating func limit(to lengths: Value) {
    let ends = lengths.reshaped([lengths.shape[0], 1, 1, 1])
    combine(bias(where: ends.compared(.greater, to: keyIndices)))
  }

  /// Scores with the mask added.
  func applied(to scores: Value) -> Value { bias.map { scores + $0 } ?? scores }

  /// Weights with 0 for queries that see no key, whose softmax is not a number.
  func guarded(_ weights: Value) -> Value {
    guard let bias else { return weights }
    let full = bias.shape.rank == 0 ? bias.reshaped([1]) : bias
    let best = full.largest(over: [full.shape.rank - 1], keepsDimensions: true)
    let isBlind = best.compared(.equal, to: builder.scalar(-.infinity))
    return builder.scalar(0).selected(where: isBlind, else: weights)
  }

  private mutating func combine(_ other: Value) { bias = bias.map { $0 + other } ?? other }

  private func bias(where isSeen: Value) -> Value {
    builder.scalar(0).selected(where: isSeen, else: builder.scalar(-.infinity))
  }

  private var keyIndices: Value { indices(0..<keys, shape: [keys]) }

  /// The place of each query among the keys, [queries, 1] or [B, 1, queries, 1].
  private func positions(_ offset: Offset, moved count: Int) -> Value {
    switch offset {
    case .known(let offset):
      return indices(offset + count..<offset + count + queries, shape: [queries, 1])
    case .ofBatch(let lengths):
      let first = count - queries
      return lengths.reshaped([lengths.shape[0], 1, 1, 1])
        + indices(first..<first + queries, shape: [queries, 1])
    }
  }

  private func indices(_ range: Range<Int>, shape: Shape) -> Value {
    // The range has as many elements as the shape.
    guard let tensor = try? Tensor(shape, elements: range.map { Int64($0) }) else {
      preconditionFailure("\(range.count) indices do not have the shape \(shape).")
    }
    return builder.constant(tensor)
  }
}
