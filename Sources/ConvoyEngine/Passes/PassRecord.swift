public import ConvoyGraphs

/// A group of passes, in the order of compiling.
public enum PassStage: String, Hashable, Sendable, CaseIterable {
  /// Simplifies a network for inference; the result is portable.
  case simplify
  /// Reduces the network to one rank's part.
  case distribute
  /// Sets the number of images.
  case size
  /// Makes a training step.
  case train
  /// Makes a plan for this machine.
  case compile
}

/// The record of a pass that was applied.
public struct PassRecord: Sendable {
  /// The pass's name.
  public let name: String
  /// What the pass does, in one sentence.
  public let summary: String
  /// The stage that it belongs to.
  public let stage: PassStage
  /// The number of nodes to compute before the pass.
  public let nodesBefore: Int
  /// The number of nodes to compute after the pass.
  public let nodesAfter: Int
  /// The changes and decisions, each a part of a sentence; empty where there are none.
  public let changes: [String]
  /// The graph after the pass.
  public let graph: Graph
  /// The state after the pass as readable text: the graph, or the nodes and their layouts, or steps
  /// and buffers.
  public let text: String
}
