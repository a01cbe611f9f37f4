package import ConvoyTensors

extension Model {
  /// The model with operators moved before the transpositions of what they read, where fewer
  /// numbers are then transposed; nil where nothing is to be gained.
  ///
  /// Frameworks that normalise over the last dimension, or apply linear layers to it, transpose
  /// images to channels-last before and back after. Both orders are the same numbers: a
  /// standardisation over the last dimension of the one is a standardisation over the channels of
  /// the other, a linear layer a 1×1 convolution, and the transpositions cancel.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
  package func movingTranspositions() throws(ConvoyError) -> Model? {
    var fixed: Set<String> = []
    while true {
      var motion = TransposeMotion(self, fixed: fixed)
      let moved = try graph.rewritten { motion.rewrite($0, $1, in: $2) }
      let losses = motion.losses
      if losses.isEmpty {
        return motion.hasMoved ? keepingParameters(in: moved, but: motion.changed) : nil
      }
      fixed.formUnion(losses)
    }
  }
}

/// A value that is not computed: a transposition of one that is.
private struct TransposedValue {
  /// The value that is computed.
  var base: Value
  /// For each dimension, its place among those of `base`.
  var places: [Int]
  /// Whether all dimensions but the last are joined to one, as the rows of a linear layer are.
  var isRows = false
  /// The transpositions that it comes from.
  var group: Int

  /// The extents before dimensions are joined.
  var extents: [Int] { places.map { base.shape[$0] } }
  /// Numbers to move if the value is computed after all; 1 if they stay in order.
  var cost: Int { base.shape.staysInOrder(places) ? 1 : base.shape.elementCount }
}

extension Shape {
  /// Whether a transposition leaves all numbers in their order, for any batch.
  fileprivate func staysInOrder(_ places: [Int]) -> Bool {
    let long = places.filter { $0 == 0 || self[$0] > 1 }
    return long == long.sorted()
  }
}

/// Rewrites a graph, node by node, so that transpositions come after the operators that read them.
private struct TransposeMotion {
  /// Transpositions whose outcomes are combined, and the numbers that are moved.
  private struct Group {
    var transpositions: [String] = []
    var before = 0
    var after = 0
  }

  private let model: Model
  private let reads: ReadCounts
  /// The transpositions that stay where they are.
  private let fixed: Set<String>
  private let returned: Set<ValueID>
  private var transposed: [ValueID: TransposedValue] = [:]
  private var computed: [ValueID: Value] = [:]
  private var groups: [Group] = []
  private var parents: [Int] = []
  /// Parameters in the form in which they are now read.
  private(set) var changed: [String: Tensor] = [:]

  init(_ model: Model, fixed: Set<String>) {
    self.model = model
    self.fixed = fixed
    reads = ReadCounts(model.graph)
    returned = Set(model.graph.outputs.map(\.value) + model.graph.updates.map(\.value))
  }

  /// Whether there was something to move.
  var hasMoved: Bool { !groups.isEmpty }

  /// The transpositions that were moved without a gain.
  var losses: [String] {
    var sums = groups
    for index in groups.indices where root(index) != index {
      sums[root(index)].before += groups[index].before
      sums[root(index)].after += groups[index].after
      sums[root(index)].transpositions += groups[index].transpositions
    }
    return groups.indices.filter { root($0) == $0 && sums[$0].after >= sums[$0].before }
      .flatMap { sums[$0].transpositions }
  }

  private func root(_ group: Int) -> Int {
    var group = group
    while parents[group] != group { group = parents[group] }
    return group
  }

  /// The values that replace a node's outputs; nil for the node itself.
  mutating func rewrite(
    _ node: Graph.Node, _ inputs: [Value], in builder: GraphBuilder
  ) -> [Value]? {
    guard let output = node.outputs.first else { return nil }
    if node.outputs.count == 1, let made = moved(node, inputs, in: builder) {
      if made.places == Array(made.places.indices), !made.isRows { return [made.base] }
      transposed[output] = made
      return [returned.contains(output) ? value(output, made) : made.base]
    }
    guard node.inputs.contains(where: { transposed[$0] != nil }) else { return nil }
    let values = zip(node.inputs, inputs).map { value($0, orElse: $1) }
    return builder.apply(
      node.operation, to: values, name: node.name, outputCount: node.outputs.count)
  }

  /// The value of an input of the node.
  private mutating func value(_ id: ValueID, orElse given: Value) -> Value {
    transposed[id].map { value(id, $0) } ?? given
  }

  /// A transposed value, computed once.
  private mutating func value(_ id: ValueID, _ form: TransposedValue) -> Value {
    if let value = computed[id] { return value }
    groups[root(form.group)].after += form.cost
    var value = form.base.transposed(form.places)
    if form.isRows { value = value.reshaped([-1, value.shape.dimensions.last ?? 1]) }
    computed[id] = value
    return value
  }

  // MARK: Moving

  /// The node's output as a transposition of what is computed from its inputs' bases.
  private mutating func moved(
    _ node: Graph.Node, _ inputs: [Value], in builder: GraphBuilder
  ) -> TransposedValue? {
    guard let first = node.inputs.first else { return nil }
    if let transpose = node.operation as? Transpose {
      return moved(transpose, node, transposed[first], inputs[0])
    }
    guard let leading = node.inputs.first(where: { transposed[$0] != nil }),
      let form = transposed[leading]
    else { return nil }
    if node.operation is Reshape {
      return regrouped(form, to: model.graph[node.outputs[0]].shape)
    }
    if node.operation is Linear {
      return leading == first ? pointwise(node, form, inputs, in: builder) : nil
    }
    if form.isRows {
      guard case .function = node.operation.kind else { return nil }
      var result = form
      result.base = builder.apply(node.operation, to: [form.base], name: node.name)[0]
      return result
    }
    return moved(node, as: form, inputs, in: builder)
  }

  private mutating func moved(
    _ transpose: Transpose, _ node: Graph.Node, _ form: TransposedValue?, _ input: Value
  ) -> TransposedValue? {
    let permutation = transpose.permutation
    guard !fixed.contains(node.name), form?.isRows != true else { return nil }
    var result: TransposedValue
    if let form {
      result = form
      result.places = permutation.map { form.places[$0] }
    } else {
      parents.append(groups.count)
      groups.append(Group())
      result = TransposedValue(base: input, places: permutation, group: groups.count - 1)
    }
    let own = root(result.group)
    groups[own].transpositions.append(node.name)
    let shape = model.graph[node.inputs[0]].shape
    groups[own].before += shape.staysInOrder(permutation) ? 1 : shape.elementCount
    return result
  }

  /// Joins the rows of a linear layer's input, or separates those of its output.
  private func regrouped(_ form: TransposedValue, to shape: Shape) -> TransposedValue? {
    guard form.places.last == 1, (3...5).contains(form.places.count) else { return nil }
    var result = form
    let isJoined = shape.rank == 2 && shape[1] == form.base.shape[1]
    let isSeparated = shape.dimensions == form.extents
    guard form.isRows ? isSeparated : isJoined else { return nil }
    result.isRows = !form.isRows
    return result
  }

  /// A linear layer on rows is a convolution of the images whose channels are their numbers.
  private func pointwise(
    _ node: Graph.Node, _ form: TransposedValue, _ inputs: [Value], in builder: GraphBuilder
  ) -> TransposedValue? {
    guard form.isRows, node.inputs.dropFirst().allSatisfy({ transposed[$0] == nil }) else {
      return nil
    }
    let window = Array(repeating: 1, count: form.base.shape.rank - 2)
    let weights = inputs[1].reshaped(to: Shape(inputs[1].shape.dimensions + window))
    var result = form
    result.base =
      builder.apply(
        Convolution(Window(kernel: window)), to: [form.base, weights] + inputs.dropFirst(2),
        name: node.name)[0]
    return result
  }

  /// An operator that has a form for transposed inputs.
  private mutating func moved(
    _ node: Graph.Node, as form: TransposedValue, _ inputs: [Value], in builder: GraphBuilder
  ) -> TransposedValue? {
    guard let operation = node.operation.transposedForm(places: form.places),
      node.inputs.count == 1
        || model.graph[node.outputs[0]].shape.rank == form.places.count
    else { return nil }
    var operands: [Value] = []
    var joined: [Int] = []
    for (id, value) in zip(node.inputs, inputs) {
      if let other = transposed[id] {
        guard other.places == form.places, !other.isRows else { return nil }
        operands.append(other.base)
        joined.append(other.group)
      } else if let operand = aligned(id, value, form.places, in: builder) {
        operands.append(operand)
      } else {
        return nil
      }
    }
    for group in joined { parents[root(group)] = root(form.group) }
    let base = builder.apply(operation.operation, to: operands, name: node.name)[0]
    return TransposedValue(base: base, places: operation.places, group: form.group)
  }

  /// An operand with its dimensions in the places of a transposed one's, if no number has to be
  /// moved for it in a run.
  private mutating func aligned(
    _ id: ValueID, _ value: Value, _ places: [Int], in builder: GraphBuilder
  ) -> Value? {
    let (shape, rank) = (value.shape, places.count)
    guard shape.rank <= rank else { return nil }
    let missing = rank - shape.rank
    let full = Shape(Array(repeating: 1, count: missing) + shape.dimensions)
    var (extents, inverse) = (Array(repeating: 1, count: rank), Array(0..<rank))
    for (dimension, place) in places.enumerated() {
      extents[place] = full[dimension]
      inverse[place] = dimension
    }
    if Shape(extents).staysInOrder(places) {
      // The batch is copied, so that it may change.
      if missing == 0, places[0] == 0, extents[0] == full[0] { extents[0] = 0 }
      return shape.elementCount == 1 ? value : value.reshaped(extents)
    }
    guard let numbers = model.fixedNumbers(id, reads),
      let moved = try? numbers.reshaped(to: full).transposed(inverse)
    else { return nil }
    guard case .parameter(let parameter) = model.graph[id].origin else {
      return builder.constant(moved, name: model.graph[id].name)
    }
    let name = builder.reserveName(model.graph[id].name)
    changed[name] = moved
    return builder.parameter(name, moved.shape, parameter, unscoped: true)
  }
}
