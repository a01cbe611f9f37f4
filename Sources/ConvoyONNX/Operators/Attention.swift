import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let attentions: [String: Importing] = [
    "Attention": attention,
    "com.microsoft.MultiHeadAttention": multiHeadAttention,
    "com.microsoft.Attention": packedAttention,
    "RotaryEmbedding": single(rotaryEmbedding),
  ]

  /// The standard's attention, with caches of keys and values, masks and windows.
  private static let attention: Importing = { site throws(ConvoyError) in
    let attributes = site.attributes
    let given = [try site.value(0), try site.value(1), try site.value(2)]
    let heads = (
      query: try attributes.integer("q_num_heads", default: 0),
      key: try attributes.integer("kv_num_heads", default: 0)
    )
    let isFlat = given[0].shape.rank == 3
    var query = try site.heads(of: given[0], heads.query)
    var (key, value) = (
      try site.heads(of: given[1], heads.key), try site.heads(of: given[2], heads.key)
    )
    var past: Int?
    if site.has(4), site.has(5) {
      let (oldKey, oldValue) = (try site.value(4), try site.value(5))
      key = site.builder.apply(Concatenation(dimension: 2), to: [oldKey, key])[0]
      value = site.builder.apply(Concatenation(dimension: 2), to: [oldValue, value])[0]
      past = oldKey.shape[2]
    }
    let present = [key, value]
    var mask = AttentionMask(site.builder, queries: query.shape[2], keys: key.shape[2])
    let lengths = site.has(6) ? try site.value(6).cast(to: .int64) : nil
    let offset: AttentionMask.Offset =
      if let lengths, past == nil { .ofBatch(lengths) } else { .known(past ?? 0) }
    if site.has(3) { mask.add(try site.value(3)) }
    if try attributes.flag("is_causal") { mask.limit(after: 0, offset) }
    let left = try attributes.integer("left_window_size", default: -1)
    let right = try attributes.integer("right_window_size", default: -1)
    if right >= 0 { mask.limit(after: right, offset) }
    if left >= 0 { mask.limit(before: left, offset) }
    if let lengths { mask.limit(to: lengths) }

    (key, value) = (try key.repeatedHeads(as: query), try value.repeatedHeads(as: query))
    let scale = try attributes.float("scale", default: 1 / Float(query.shape[3]).squareRoot())
    query = query.scaled(by: scale)
    var scores = query.matrixProduct(key.transposed([0, 1, 3, 2]))
    let mode = try attributes.integer("qk_matmul_output_mode", default: 0)
    var shown = scores
    let cap = try attributes.float("softcap", default: 0)
    if cap > 0 { scores = scores.scaled(by: 1 / cap).applying(.tanh).scaled(by: cap) }
    if mode == 1 { shown = scores }
    scores = mask.applied(to: scores)
    if mode == 2 { shown = scores }
    let weights = mask.guarded(scores.applying(Softmax(dimension: 3, isLogarithmic: false)))
    if mode == 3 { shown = weights }
    let result = weights.matrixProduct(value)
    return ([isFlat ? result.joinedHeads() : result] + present + [shown]).map { .computed($0) }
  }

  /// ONNX Runtime's form of three projected inputs.
  private static let multiHeadAttention: Importing = { site throws(ConvoyError) in
    let heads = try site.attributes.integer("num_heads", default: 0)
    guard site.has(1), site.has(2), !site.has(4) else {
      throw .refused("packed keys and key padding masks are not supported")
    }
    var parts = [try site.value(0), try site.value(1), try site.value(2)]
    if site.has(3) {
      var start = 0
      let bias = try site.value(3)
      for (index, part) in parts.enumerated() where part.shape.rank == 3 {
        let end = start + part.shape[2]
        parts[index] = part + bias.applying(AxisSlice(dimension: 0, start: start, end: end))
        start = end
      }
    }
    var separate: [Value] = []
    for part in parts { separate.append(try site.heads(of: part, heads)) }
    for (index, old) in [(1, 6), (2, 7)] where site.has(old) {
      let past = try site.value(old)
      separate[index] =
        site.builder.apply(
          Concatenation(dimension: 2), to: [past, separate[index]])[0]
    }
    var mask = AttentionMask(
      site.builder, queries: separate[0].shape[2], keys: separate[1].shape[2])
    if site.has(5) { mask.add(try site.value(5)) }
    if try site.attributes.flag("unidirectional") {
      mask.limit(after: 0, .known(separate[1].shape[2] - separate[0].shape[2]))
    }
    let result = try site.attended(separate, mask)
    return ([result.joinedHeads()] + separate.dropFirst()).map { .computed($0) }
  }

  /// ONNX Runtime's form that projects its input first.
  private static let packedAttention: Importing = { site throws(ConvoyError) in
    let heads = try site.attributes.integer("num_heads", default: 0)
    guard !site.has(3), !site.has(4), !site.attributes.has("qkv_hidden_sizes") else {
      throw .refused("masks by index, caches and sizes of their own are not supported")
    }
    var projected = (try site.value(0)).matrixProduct(try site.value(1))
    if site.has(2) { projected = projected + (try site.value(2)) }
    let width = projected.shape[2] / 3
    var parts: [Value] = []
    for index in 0..<3 {
      let part = projected.applying(
        AxisSlice(dimension: 2, start: index * width, end: (index + 1) * width))
      parts.append(try site.heads(of: part, heads))
    }
    var mask = AttentionMask(site.builder, queries: parts[0].shape[2], keys: parts[1].shape[2])
    if site.has(5) { mask.add(try site.value(5)) }
    if try site.attributes.flag("unidirectional") { mask.limit(after: 0, .known(0)) }
    return [.computed(try site.attended(parts, mask).joinedHeads())]
  }

  /// Pairs of numbers turned by an angle that depends on their position.
  private static func rotaryEmbedding(_ site: ImportSite) throws(ConvoyError) -> Value {
    let given = try site.value(0)
    let isFlat = given.shape.rank == 3
    // [B, L, H, D]
    let value: Value
    if isFlat {
      let heads = try site.attributes.integer("num_heads", default: 0)
      guard heads > 0, given.shape[2] % heads == 0 else {
        throw .refused("a num_heads that divides \(given.shape[2]) is expected, got \(heads)")
      }
      value = given.reshaped([given.shape[0], given.shape[1], heads, given.shape[2] / heads])
    } else {
      value = given.transposed([0, 2, 1, 3])
    }
    let size = value.shape[3]
    let turned = try site.attributes.integer("rotary_embedding_dim", default: 0)
    let count = turned == 0 ? size : turned
    guard count % 2 == 0, count <= size else {
      throw .refused("an even rotary_embedding_dim up to \(size) is expected, got \(count)")
    }
    func caches(_ index: Int) throws(ConvoyError) -> Value {
      let cache = try site.value(index)
      guard site.has(3) else { return cache.reshaped([cache.shape[0], cache.shape[1], 1, -1]) }
      guard let positions = try site.integers(3) else { return cache }
      let rows = try site.constant(3).extents
      var lines: [Value] = []
      for position in positions {
        guard (0..<cache.shape[0]).contains(position) else {
          throw .refused("positions below \(cache.shape[0]) are expected, got \(position)")
        }
        lines.append(
          cache.applying(AxisSlice(dimension: 0, start: position, end: position + 1)))
      }
      return site.builder.apply(Concatenation(dimension: 0), to: lines)[0]
        .reshaped([rows[0], rows[1], 1, -1])
    }
    let (cosines, sines) = (try caches(1), try caches(2))
    let isInterleaved = try site.attributes.flag("interleaved")
    func half(_ index: Int) -> Value {
      isInterleaved
        ? value.applying(AxisSlice(dimension: 3, start: index, end: count, step: 2))
        : value.applying(
          AxisSlice(dimension: 3, start: index * count / 2, end: (index + 1) * count / 2))
    }
    let (x, y) = (half(0), half(1))
    let (real, imaginary) = (cosines * x - sines * y, sines * x + cosines * y)
    func joined(_ values: [Value], _ dimension: Int) -> Value {
      site.builder.apply(Concatenation(dimension: dimension), to: values)[0]
    }
    var result: Value
    if isInterleaved {
      let single = real.shape.dimensions + [1]
      result = joined([real.reshaped(single), imaginary.reshaped(single)], 4)
        .reshaped(Array(real.shape.dimensions.dropLast()) + [count])
    } else {
      result = joined([real, imaginary], 3)
    }
    if count < size {
      result = joined(
        [result, value.applying(AxisSlice(dimension: 3, start: count, end: size))], 3)
    }
    return isFlat ? result.reshaped(given.shape.dimensions) : result.transposed([0, 2, 1, 3])
  }
}

extension ImportSite {
  /// [B, L, H·D] or [B, H, L, D] as [B, H, L, D].
  fileprivate func heads(of value: Value, _ count: Int) throws(ConvoyError) -> Value {
    let shape = value.shape
    if shape.rank == 4 { return value }
    guard shape.rank == 3, count > 0, shape[2] % count == 0 else {
      throw .refused("a number of heads that divides the last dimension of \(shape) is expected")
    }
    return value.reshaped([shape[0], shape[1], count, shape[2] / count]).transposed([0, 2, 1, 3])
  }

  /// The sums of values by the softmax of scaled products of queries and keys.
  fileprivate func attended(
    _ parts: [Value], _ mask: AttentionMask
  ) throws(ConvoyError) -> Value {
    let given = try attributes.float("scale", default: 0)
    let scale = given == 0 ? 1 / Float(parts[0].shape[3]).squareRoot() : given
    let scores = parts[0].scaled(by: scale).matrixProduct(parts[1].transposed([0, 1, 3, 2]))
    let weights = mask.applied(to: scores).applying(Softmax(dimension: 3, isLogarithmic: false))
    return mask.guarded(weights).matrixProduct(parts[2])
  }
}

extension Value {
  /// [B, H, L, D] as [B, L, H·D].
  fileprivate func joinedHeads() -> Value {
    let shape = shape
    return transposed([0, 2, 1, 3]).reshaped([shape[0], shape[2], shape[1] * shape[3]])
  }

  /// Each head repeated for as many heads of queries as share it.
  fileprivate func repeatedHeads(as query: Value) throws(ConvoyError) -> Value {
    let (own, wanted) = (shape, query.shape[1])
    if own[1] == wanted { return self }
    guard wanted % own[1] == 0 else {
      throw .refused("\(wanted) heads of queries cannot share \(own[1])")
    }
    return reshaped([own[0], own[1], 1, own[2], own[3]])
      .repeated(to: [own[0], own[1], wanted / own[1], own[2], own[3]])
      .reshaped([own[0], wanted, own[2], own[3]])
  }
}
