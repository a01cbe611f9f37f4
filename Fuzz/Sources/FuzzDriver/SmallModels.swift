import Convoy

private let pool = ThreadPool(threadCount: 1)

extension Model {
  /// Simplifies, compiles and runs a model that was read, if that is little work, with the portable kernels:
  /// the address sanitizer sees their every access.
  public func runIfSmall() {
    guard graph.isSmall, let simple = try? simplified(), simple.graph.isSmall else { return }
    var options = CompileOptions(pool: pool)
    options.machine = .portable
    guard let plan = try? simple.compiled(options: options) else { return }
    let inputs = simple.graph.inputs.map { simple.graph[$0] }
    _ = try? plan.run(
      named: Dictionary(inputs.map { ($0.name, Tensor($0.shape)) }) { first, _ in first })
  }
}

extension Graph {
  /// Whether compiling and running takes milliseconds.
  public var isSmall: Bool {
    nodes.count < 64 && values.allSatisfy { $0.shape.elementCount < 1_000_000 }
      && values.reduce(0) { $0 + $1.shape.elementCount } < 2_000_000
      && cost.multiplyAdds < 10_000_000
  }
}
