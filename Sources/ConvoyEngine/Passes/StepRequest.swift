package import ConvoyGraphs
package import ConvoyTensors

/// What makes a network a training step, for the passes that do it.
package struct StepRequest: Sendable {
  /// How the network's channels are divided over ranks, if they are, and this rank's place.
  package var partition: Partition?
  /// See `partition`.
  package var groupRank = 0
  /// Among how many ranks batch norms take their statistics; 1 for their own alone.
  package var normalizationRanks = 1
  /// Whether batch norms are computed again for the backward half.
  package var recomputesNormalizations = false
  /// Appends the rest of the step.
  package let rest: any StepAppending

  /// A step of one rank.
  package init(_ rest: any StepAppending) { self.rest = rest }
}

/// Who knows losses and optimisers.
package protocol StepAppending: Sendable {
  /// Appends loss, gradients, exchanges and updates to a network in training form; says which nodes are
  /// forward halves.
  ///
  /// - Throws: `ConvoyError` when the network cannot be trained.
  func appended(
    to forward: Graph
  ) throws(ConvoyError) -> (graph: Graph, forwardNodes: [Range<Int>])
}
