import ConvoyGraphs
import ConvoyTensors

/// The forward and backward passes of a training step, for one part of the images after the other.
struct TrainingPasses {
  /// The mean cross-entropy of all images.
  let loss: Value
  /// The scores, [images, classes].
  let scores: Value
  /// The trained parameters.
  let parameters: [Value]
  /// The gradients of the loss, in the order of `parameters`.
  let gradients: [Value]
  /// The nodes of the forward passes.
  let forwardNodes: [Range<Int>]

  /// Appends the passes.
  ///
  /// - Parameters:
  ///   - forward: the network in training form, for a part of the images.
  ///   - images: the number of images in all parts.
  ///   - firstPart: the index of the first part, in a batch over all ranks.
  /// - Throws: `ConvoyError` when the network's output is not scores by class, or an operator
  ///   cannot be trained.
  init(
    of forward: Graph, images: Int, _ options: StepOptions, firstPart: Int,
    in builder: GraphBuilder
  ) throws(ConvoyError) {
    let parts = options.accumulation
    let inputs = try forward.inputs.map { id throws(ConvoyError) in
      let (name, shape, type) = (forward[id].name, forward[id].shape, forward[id].type)
      guard shape.rank > 0 else { return builder.input(name, shape, type: type) }
      return builder.input(
        name, try Shape(validating: [images] + shape.dimensions.dropFirst()), type: type)
    }
    let labels = builder.input("labels", [images], type: .int32)
    var (losses, allScores, sums) = ([Value](), [Value](), [Value]())
    var parameters: [Value] = []
    var forwardNodes: [Range<Int>] = []
    // The running statistics after the parts so far.
    var updated: [String: Value] = [:]
    for part in 0..<parts {
      let range = part * images / parts..<(part + 1) * images / parts
      func own(_ value: Value) -> Value {
        parts == 1 || value.shape.rank == 0 ? value : value.sliced(range, dimension: 0)
      }
      let firstNode = builder.graph.nodes.count
      let masked = try forward.drawingMasks(ofRank: firstPart + part)
      func appended() throws(ConvoyError) -> (loss: Value, gradients: [Value]) {
        let made = builder.append(masked, inputs: inputs.map(own), replacing: updated)
        if let failure = builder.failure { throw failure }
        for (parameter, value) in made.updates { updated[parameter.name] = value }
        let scores = try TrainingPasses.scores(made.outputs[0])
        let loss = scores.crossEntropy(
          with: own(labels), labelSmoothing: options.labelSmoothing)
        allScores.append(scores)
        forwardNodes.append(firstNode..<builder.graph.nodes.count)
        parameters = made.parameters.filter { builder.graph[$0.id].isTrainable }
        let share = parts == 1 ? loss : loss.scaled(by: 1 / Float(parts))
        let gradients = builder.scope("backward") {
          builder.gradients(of: share, withRespectTo: parameters)
        }
        return (share, gradients)
      }
      let (loss, gradients) =
        if parts == 1 { try appended() } else {
          try builder.scope("part\(part + 1)", appended)
        }
      losses.append(loss)
      sums = part == 0 ? gradients : zip(sums, gradients).map { $0 + $1 }
    }
    for (name, value) in updated.sorted(by: { $0.key < $1.key }) {
      guard let parameter = builder.graph.value(named: name) else { continue }
      builder.update(builder.value(parameter), to: value)
    }
    loss = losses.dropFirst().reduce(losses[0], +)
    scores = parts == 1 ? allScores[0] : concatenate(allScores, dimension: 0)
    self.parameters = parameters
    self.gradients = sums
    self.forwardNodes = forwardNodes
  }

  /// A classifier's output as [images, classes].
  private static func scores(_ output: Value) throws(ConvoyError) -> Value {
    let extents = output.shape.dimensions
    guard extents.count >= 2, extents.dropFirst(2).allSatisfy({ $0 == 1 }) else {
      throw ConvoyError(
        .shape,
        "A classifier's scores have the shape batch×classes; this network's have \(output.shape).")
    }
    return extents.count > 2 ? output.flattened() : output
  }
}

extension Graph.ValueInfo {
  /// Whether training updates it by its gradient.
  var isTrainable: Bool {
    if case .parameter(let parameter) = origin { parameter.isTrainable } else { false }
  }
}
