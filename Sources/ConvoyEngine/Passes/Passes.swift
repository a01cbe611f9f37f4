import ConvoyGraphs
package import ConvoyTensors

/// The passes from a network to a plan.
public enum Passes {
  /// Every pass, in the order of application. The graph is verified after each pass that changes
  /// it.
  public static let all: [Pass] = [
    .model(
      .simplify, "idle operators", "Removes operators that give back what they get."
    ) { model throws(ConvoyError) in try model.removingIdleOperators() },
    .model(
      .simplify, "operands", "Puts the larger operand first, and gives constants the result's rank."
    ) { model throws(ConvoyError) in try model.aligningOperands() },
    .model(
      .simplify, "depth to space",
      "Makes one operator of what moves channels to pixels, or back, by a transposition."
    ) { model throws(ConvoyError) in try model.recognizingDepthToSpace() },
    .model(
      .simplify, "functions",
      "Moves functions before reshapes and transpositions, to the layer that these read."
    ) { model throws(ConvoyError) in try model.movingFunctions() },
    .model(
      .simplify, "transpositions", "Computes on images as they are, instead of transposed ones."
    ) { model throws(ConvoyError) in try model.movingTranspositions() },
    .model(
      .simplify, "reshaped parameters", "Gives parameters the shape in which they are read."
    ) { model throws(ConvoyError) in try model.foldingReshapedParameters() },
    .model(
      .simplify, "constants", "Computes what follows from parameters and constants alone."
    ) { model throws(ConvoyError) in try model.foldingConstants() },
    .model(
      .simplify, "standardization", "Makes one operator of normalisations that are written out."
    ) { model throws(ConvoyError) in try model.recognizingStandardization() },
    .model(
      .simplify, "channel affine",
      "Folds batch norm, and factors and shifts by channel, into the layers beside them."
    ) { model throws(ConvoyError) in
      var folded: Model?
      while let next = try (folded ?? model).foldingChannelAffine() { folded = next }
      return folded
    },
    .step(
      .distribute, "partition", "Leaves the layers and channels that this rank computes."
    ) { graph, step throws(ConvoyError) in
      try step.partition?.graph(rank: step.groupRank) ?? graph
    },
    Pass(.size, "batch", "Gives every value its number of images.") {
      compilation throws(ConvoyError) in
      if let shapes = compilation.inputShapes {
        compilation.graph = try compilation.graph.resized(shapes)
      } else if let batch = compilation.batch {
        compilation.graph = try compilation.graph.resized(batch: batch)
      }
      return []
    },
    .step(
      .train, "training form", "Replaces operators that behave differently in training."
    ) { graph, _ throws(ConvoyError) in try graph.inTrainingForm() },
    .step(
      .train, "normalization activations", "Lets batch norms apply the activations after them."
    ) { graph, _ throws(ConvoyError) in try graph.fusingNormalizationsWithActivations() },
    .step(
      .train, "synchronized normalization", "Lets batch norms use all ranks' images."
    ) { graph, step throws(ConvoyError) in
      try graph.synchronizingNormalizations(ranks: step.normalizationRanks)
    },
    Pass(.train, "step", "Appends loss, gradients, exchanges and updates.") {
      compilation throws(ConvoyError) in
      guard let step = compilation.step else { return [] }
      (compilation.graph, compilation.forwardNodes) = try step.rest.appended(
        to: compilation.graph)
      return []
    },
    Pass(.train, "recomputation", "Computes batch norms again where the backward half reads them.")
    {
      compilation throws(ConvoyError) in
      guard compilation.step?.recomputesNormalizations == true else { return [] }
      compilation.graph = try compilation.graph.recomputingNormalizations(
        ofForward: compilation.forwardNodes)
      return []
    },
    .step(
      .train, "slice gradients", "Makes concatenations of gradients of slices that are a whole."
    ) { graph, _ throws(ConvoyError) in try graph.joiningSliceGradients() },
    .step(
      .train, "exchanges", "Begins exchanges early and ends them late."
    ) { graph, _ in graph.overlappingExchanges() },
    Pass(.compile, "epilogues", "Computes functions and residual sums in the layer before them.") {
      compilation throws(ConvoyError) in try compilation.compile { $0.fuseEpilogues() }
    },
    Pass(
      .compile, "layouts",
      "Chooses how each value lies in memory, and in which order channels stand."
    ) {
      compilation throws(ConvoyError) in try compilation.compile { $0.chooseLayouts() }
    },
    Pass(.compile, "lowering", "Makes steps of nodes: kernels, reorderings, packed weights.") {
      compilation throws(ConvoyError) in
      try compilation.compile { compiler throws(ConvoyError) in try compiler.lower() }
    },
    Pass(.compile, "memory", "Lays out the arena: buffers needed at different times share places.")
    {
      compilation throws(ConvoyError) in try compilation.compile { $0.placeArena() }
    },
    Pass(.compile, "weights", "Packs the weights into the form that kernels read.") {
      compilation throws(ConvoyError) in
      var plan: Plan?
      let said = try compilation.compile { compiler throws(ConvoyError) in
        plan = try compiler.plan()
      }
      compilation.plan = plan
      return said
    },
  ]
}

extension Compilation {
  /// Applies the passes of some stages, in the order of the list.
  ///
  /// - Throws: the errors of passes and of verification.
  package mutating func apply(_ stages: Set<PassStage>) throws(ConvoyError) {
    for pass in Passes.all where stages.contains(pass.stage) {
      // Comparing and describing graphs takes time, and is done only for an observer.
      let before = observe == nil ? nil : graph
      let countBefore = nodeCount
      let decided = try pass.apply(&self)
      try verify()
      guard let observe, let before else { continue }
      observe(
        PassRecord(
          name: pass.name, summary: pass.summary, stage: pass.stage, nodesBefore: countBefore,
          nodesAfter: nodeCount, changes: graph.changes(since: before) + decided, graph: graph,
          text: text(after: pass.name)))
    }
  }

  /// Applies the passes of some stages, and makes a plan.
  package mutating func plan(through stages: Set<PassStage>) throws(ConvoyError) -> Plan {
    try apply(stages)
    guard let plan else { preconditionFailure("Compiling makes a plan.") }
    return plan
  }
}
