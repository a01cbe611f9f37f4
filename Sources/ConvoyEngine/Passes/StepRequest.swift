package import ConvoyGraphs
package import ConvoyTensors

/// The training step that passes make of a network.
package struct StepRequest: Sendable {
  /// The division of the network's channels over ranks, and this rank's index; nil if they are not
  /// divided.
  package var partition: Partition?
  /// See `partition`.
  package var groupRank = 0
  /// The number of ranks over which batch normalisations compute their statistics; 1 for each
  /// rank's own.
  package var normalizationRanks = 1
  /// Whether the backward half recomputes batch normalisations.
  package var recomputesNormalizations = false
  /// Appends the rest of the step.
  package let rest: any StepAppending

  /// A step of a single rank.
  package init(_ rest: any StepAppending) { self.rest = rest }
}

/// The interface to losses and optimisers, which the engine does not know.
package protocol StepAppending: Sendable {
  /// Appends loss, gradients, exchanges and updates to a network in training form; returns the
  /// nodes of forward halves.
  ///
  /// - Throws: `ConvoyError` when the network cannot be trained.
  func appended(
    to forward: Graph
  ) throws(ConvoyError) -> (graph: Graph, forwardNodes: [Range<Int>])
}
