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
    guard let scale = function.scale else { return nil }
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
      if let (half, start) = site.function(of: x), half.scale == 0.5,
        site.isNormal(other, of: start)
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
    switch function.activation {
    case is Activations.Sigmoid where start.id == x.id: return .silu
    case let hard as Activations.HardSigmoid
    where start.id == x.id && hard.offset == 0.5 && abs(hard.slope - 1 / 6) < 1e-6:
      return .hardSwish
    case is Activations.Tanh:
      // x·tanh(log(1 + eˣ))
      guard let (inner, argument) = site.function(of: start), inner == .softplus,
        argument.id == x.id
      else { return nil }
      return .mish
    default: return nil
    }
  }
}

extension ScalarFunction {
  /// What it multiplies by, if it does nothing else.
  fileprivate var scale: Float? {
    guard let affine = activation as? Activations.Affine, affine.offset == 0 else { return nil }
    return affine.scale
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
    guard let (sum, root) = function(of: value), sum == .affine(scale: 1, offset: 1),
      let (middle, scaled) = function(of: root), middle == .errorFunction,
      let (product, start) = function(of: scaled), let scale = product.scale
    else { return false }
    return start.id == x.id && abs(scale - Float(0.5).squareRoot()) < 1e-5
  }

  /// The x of clip(x + 3, 0, 6).
  fileprivate func clippedThrees(_ value: Value) -> Value? {
    guard let (clip, moved) = function(of: value), clip == .clip(low: 0, high: 6),
      let (sum, start) = function(of: moved), sum == .affine(scale: 1, offset: 3)
    else { return nil }
    return start
  }

  /// The image whose channels are shuffled, if a reshape ends reshape, transpose and reshape.
  func shuffled(_ value: Value, to extents: [Int]) -> Value? {
    guard let last = maker(of: value), let transpose = last.operation as? Transpose,
      let first = maker(of: builder.value(last.inputs[0])),
      builder.graph.traits(of: first).effect == .reshapes
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
