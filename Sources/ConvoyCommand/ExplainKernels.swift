import Convoy

/// Which kernel computes each step of a model, and why not a better one: what compiling it decided.
struct KernelsExplanation: Encodable {
  /// The instruction set: `avx512`.
  let machine: String
  let steps: [StepExplanation]

  /// Compiles a model, and takes down what was decided.
  ///
  /// - Parameters:
  ///   - isTraining: whether it becomes a training step; else a network that is only run.
  ///   - machine: the name of the machine; this one's if nil.
  init(
    _ model: consuming Model, isTraining: Bool, machine: String?, usesWinograd: Bool
  ) throws(ConvoyError) {
    var options = CompileOptions()
    options.usesWinograd = usesWinograd
    options.machine = try Machine.named(machine)
    self.machine = "\(options.machine)"
    let plan =
      isTraining
      ? try model.graph.trainingStep(batch: model.graph.batch, StepOptions())
        .compiledWithVariables(options: options)
      : try model.compiled(options: options)
    steps = plan.explanations
  }

  /// Prints each step with its kernel, and below it what was decided and why better methods refused.
  func printText() {
    Console.line("Kernels on \(machine), in the order of a run:")
    for step in steps {
      Console.line("\(step.node)")
      let parts = [step.kernel, step.detail, step.packing].filter { !$0.isEmpty }
      Console.wrapped(parts.joined(separator: "; "), indent: 2)
      for candidate in step.candidates {
        guard let refusal = candidate.refusal else { continue }
        Console.wrapped("not \(candidate.name): \(refusal)", indent: 2)
      }
    }
  }
}
