import ConvoyGraphs
import ConvoyTensors

/// What exporters take apart, recognised by the nodes it was built of.
///
/// The nodes that are no longer needed are left out when the graph is finished.
enum Idioms {
  /// The function and its argument, if a function of a value is the end of a longer one.
  static func function(
    _ function: ScalarFunction, after value: Value, at site: ImportSite
  ) -> (ScalarFunction, Value)? {
    guard case .affine(let scale, 0) = function else { return nil }
    // ½·(x·(1 + erf(x ∕ √2)))
    if scale == 0.5, let (a, b) = site.factors(of: value) {
      if site.isNormal(b, of: a) { return (.gelu, a) }
      if site.isNormal(a, of: b) { return (.gelu, b) }
    }
    guard abs(scale - 1 / 6) < 1e-6 else { return nil }
    // clip(x + 3, 0, 6) ∕ 6
    if let start = site.clippedThrees(value) {
      return (.hardSigmoid(slope: 1 / 6, offset: 0.5), start)
    }
    // x·clip(x + 3, 0, 6) ∕ 6
    if let (a, b) = site.factors(of: value) {
      if site.clippedThrees(b)?.id == a.id { return (.hardSwish, a) }
      if site.clippedThrees(a)?.id == b.id { return (.hardSwish, b) }
    }
    return nil
  }

  /// The function of which the product of two values is made.
  static func product(_ a: Value, _ b: Value, at site: ImportSite) -> (ScalarFunction, Value)? {
    for (x, other) in [(a, b), (b, a)] {
      if let function = gated(x, by: other, at: site) { return (function, x) }
      // ½x·(1 + erf(x ∕ √2))
      if case (.affine(0.5, 0), let start)? = site.function(of: x), site.isNormal(other, of: start)
      {
        return (.gelu, start)
      }
    }
    return nil
  }

  /// The function x·gate(x).
  private static func gated(
    _ x: Value, by gate: Value, at site: ImportSite
  ) -> ScalarFunction? {
    guard let (function, start) = site.function(of: gate) else { return nil }
    switch function {
    case .sigmoid where start.id == x.id: return .silu
    case .hardSigmoid(let slope, 0.5) where start.id == x.id && abs(slope - 1 / 6) < 1e-6:
      return .hardSwish
    case .tanh:
      // x·tanh(log(1 + eˣ))
      guard case (.softplus, let inner)? = site.function(of: start), inner.id == x.id else {
        return nil
      }
      return .mish
    default: return nil
    }
  }
}

extension ImportSite {
  /// The function of one number that made a value, and its argument.
  fileprivate func function(of value: Value) -> (ScalarFunction, Value)? {
    guard let node = maker(of: value), case .function(let function) = node.operation.kind else {
      return nil
    }
    return (function, builder.value(node.inputs[0]))
  }

  /// The two values whose product a value is.
  fileprivate func factors(of value: Value) -> (Value, Value)? {
    guard let node = maker(of: value), case .arithmetic(.multiply) = node.operation.kind else {
      return nil
    }
    return (builder.value(node.inputs[0]), builder.value(node.inputs[1]))
  }

  /// Whether a value is 1 + erf(x ∕ √2).
  fileprivate func isNormal(_ value: Value, of x: Value) -> Bool {
    guard case (.affine(1, 1), let root)? = function(of: value),
      case (.errorFunction, let scaled)? = function(of: root),
      case (.affine(let scale, 0), let start)? = function(of: scaled)
    else { return false }
    return start.id == x.id && abs(scale - Float(0.5).squareRoot()) < 1e-5
  }

  /// The x of clip(x + 3, 0, 6).
  fileprivate func clippedThrees(_ value: Value) -> Value? {
    guard case (.clip(0, 6), let moved)? = function(of: value),
      case (.affine(1, 3), let start)? = function(of: moved)
    else { return nil }
    return start
  }

  /// The image whose channels are shuffled, if a reshape ends reshape, transpose and reshape.
  func shuffled(_ value: Value, to extents: [Int]) -> Value? {
    guard let last = maker(of: value), let transpose = last.operation as? Transpose,
      let first = maker(of: builder.value(last.inputs[0])), first.operation is Reshape
    else { return nil }
    let image = builder.value(first.inputs[0])
    let (shape, table) = (image.shape, builder.value(last.inputs[0]).shape)
    guard shape.rank >= 3, extents == shape.dimensions, table.rank == shape.rank + 1,
      table[0] == shape[0], table[1] * table[2] == shape[1],
      transpose.permutation == [0, 2, 1] + Array(3..<table.rank),
      table.dimensions.dropFirst(3) == shape.dimensions.dropFirst(2)
    else { return nil }
    return apply(ChannelShuffle(groups: table[1]), [image])
  }
}
