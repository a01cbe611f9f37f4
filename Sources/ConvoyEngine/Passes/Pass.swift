import ConvoyGraphs
import ConvoyTensors

/// A step of the way from a network to a plan: a name, a sentence, and a function.
public struct Pass: Sendable {
  /// A few words, unique among the passes.
  public let name: String
  /// What it does, in a sentence.
  public let summary: String
  /// Which part of the way it belongs to.
  public let stage: PassStage
  /// Does it; returns what it decided, in words, where the graph does not show it.
  let apply: @Sendable (inout Compilation) throws(ConvoyError) -> [String]

  init(
    _ stage: PassStage, _ name: String, _ summary: String,
    _ apply: @escaping @Sendable (inout Compilation) throws(ConvoyError) -> [String]
  ) {
    (self.stage, self.name, self.summary, self.apply) = (stage, name, summary, apply)
  }

  /// A pass that changes the model, or gives nil where there is nothing to change.
  static func model(
    _ stage: PassStage, _ name: String, _ summary: String,
    _ change: @escaping @Sendable (Model) throws(ConvoyError) -> Model?
  ) -> Pass {
    Pass(stage, name, summary) { compilation throws(ConvoyError) in
      try compilation.changeModel(change)
      return []
    }
  }

  /// A pass that makes a graph part of a training step, if it is to be one.
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
