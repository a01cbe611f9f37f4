import Convoy

private let oneThread = ThreadPool(threadCount: 1)

extension Model {
  /// Simplifies, compiles and runs a model that was read, if that is little work, with the portable kernels:
  /// the address sanitizer sees their every access.
  public func runIfSmall() {
    guard graph.isSmall, let simple = try? simplified(), simple.graph.isSmall else { return }
    guard let plan = try? simple.compiled(options: .checked) else { return }
    _ = try? plan.run(named: simple.graph.zeros)
  }
}

extension CompileOptions {
  fileprivate static var checked: CompileOptions {
    var options = CompileOptions(pool: oneThread)
    options.machine = .portable
    return options
  }
}

extension Graph {
  /// Compiles a graph whose parameters change, and runs it, if that is little work.
  public func runWithVariablesIfSmall() {
    guard isSmall, let plan = try? compiledWithVariables(options: .checked) else { return }
    let initial = Network(self).initialized(seed: 1).parameters
    guard let variables = try? Variables(plan, parameters: initial) else { return }
    _ = try? plan.run(named: zeros, variables: variables)
  }

  fileprivate var zeros: [String: Tensor] {
    Dictionary(inputs.map { (self[$0].name, Tensor(self[$0].shape)) }) { first, _ in first }
  }

  /// Whether compiling and running takes milliseconds.
  public var isSmall: Bool {
    nodes.count < 128 && values.allSatisfy { $0.shape.elementCount < 1_000_000 }
      && values.reduce(0) { $0 + $1.shape.elementCount } < 2_000_000
      && cost.multiplyAdds < 10_000_000
  }
}
