public import ConvoyGraphs

/// Which part of the way a pass belongs to.
public enum PassStage: String, Hashable, Sendable, CaseIterable {
  /// Makes a network that is only run simpler; portable.
  case simplify
  /// Makes it one rank's part.
  case distribute
  /// Gives it its number of images.
  case size
  /// Makes it a training step.
  case train
  /// Makes a plan for this machine.
  case compile
}

/// What a pass did to a network.
public struct PassRecord: Sendable {
  /// The pass's name.
  public let name: String
  /// What it does, in a sentence.
  public let summary: String
  /// Which part of the way it belongs to.
  public let stage: PassStage
  /// The number of nodes that were to be computed before.
  public let nodesBefore: Int
  /// The number of nodes that are to be computed now.
  public let nodesAfter: Int
  /// What changed or was decided, a sentence's part each; empty where nothing was.
  public let changes: [String]
  /// The graph after the pass.
  public let graph: Graph
  /// What there is after the pass, as text: the graph; then, nodes and their layouts, steps, buffers.
  public let text: String
}
