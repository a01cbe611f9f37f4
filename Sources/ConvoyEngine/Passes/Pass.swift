public import ConvoyGraphs
import ConvoyTensors

/// A step of the way from a network to a plan: a name, a sentence, and a function.
public struct Pass: Sendable {
  /// Which part of the way a pass belongs to.
  public enum Stage: String, Hashable, Sendable, CaseIterable {
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

  /// A few words, unique among the passes.
  public let name: String
  /// What it does, in a sentence.
  public let summary: String
  /// Which part of the way it belongs to.
  public let stage: Stage
  /// Does it; returns what it decided, in words, where the graph does not show it.
  let apply: @Sendable (inout Compilation) throws(ConvoyError) -> [String]

  init(
    _ stage: Stage, _ name: String, _ summary: String,
    _ apply: @escaping @Sendable (inout Compilation) throws(ConvoyError) -> [String]
  ) {
    (self.stage, self.name, self.summary, self.apply) = (stage, name, summary, apply)
  }

  /// A pass that changes the model, or gives nil where there is nothing to change.
  static func model(
    _ stage: Stage, _ name: String, _ summary: String,
    _ change: @escaping @Sendable (Model) throws(ConvoyError) -> Model?
  ) -> Pass {
    Pass(stage, name, summary) { compilation throws(ConvoyError) in
      try compilation.changeModel(change)
      return []
    }
  }

  /// A pass that makes a graph part of a training step, if it is to be one.
  static func step(
    _ stage: Stage, _ name: String, _ summary: String,
    _ change: @escaping @Sendable (Graph, StepRequest) throws(ConvoyError) -> Graph
  ) -> Pass {
    Pass(stage, name, summary) { compilation throws(ConvoyError) in
      guard let step = compilation.step else { return [] }
      compilation.graph = try change(compilation.graph, step)
      return []
    }
  }
}

/// What a pass did to a network.
public struct PassRecord: Sendable {
  /// The pass.
  public let pass: Pass
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
