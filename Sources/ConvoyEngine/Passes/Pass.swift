import ConvoyGraphs
import ConvoyTensors

/// A step from a network to a plan: a name, a sentence, and a function.
public struct Pass: Sendable {
  /// A short name, unique among the passes.
  public let name: String
  /// What the pass does, in one sentence.
  public let summary: String
  /// The stage that it belongs to.
  public let stage: PassStage
  /// Applies the pass; returns its decisions as text, where the graph does not show them.
  let apply: @Sendable (inout Compilation) throws(ConvoyError) -> [String]

  init(
    _ stage: PassStage, _ name: String, _ summary: String,
    _ apply: @escaping @Sendable (inout Compilation) throws(ConvoyError) -> [String]
  ) {
    (self.stage, self.name, self.summary, self.apply) = (stage, name, summary, apply)
  }

  /// A pass that changes the model; its function returns nil where there is nothing to change.
  static func model(
    _ stage: PassStage, _ name: String, _ summary: String,
    _ change: @escaping @Sendable (Model) throws(ConvoyError) -> Model?
  ) -> Pass {
    Pass(stage, name, summary) { compilation throws(ConvoyError) in
      try compilation.changeModel(change)
      return []
    }
  }

  /// A pass that changes the graph of a training step, and applies only to one.
  static func step(
    _ stage: PassStage, _ name: String, _ summary: String,
    _ change: @escaping @Sendable (Graph, StepRequest) throws(ConvoyError) -> Graph
  ) -> Pass {
    Pass(stage, name, summary) { compilation throws(ConvoyError) in
      guard let step = compilation.step else { return [] }
      compilation.graph = try change(compilation.graph, step)
      return []
    }
  }
}
