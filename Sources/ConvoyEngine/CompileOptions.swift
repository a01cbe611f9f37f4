public import ConvoyGraphs
public import ConvoyKernels
package import ConvoyTensors

/// How a graph is compiled.
public struct CompileOptions: Sendable {
  /// The threads a run uses.
  public var pool: ThreadPool
  /// Whether elementwise functions and residual sums are computed in the epilogue of the layer before them.
  public var fusesEpilogues = true
  /// The machine whose instructions kernels may use: one of `Machine.available`.
  public var machine = Machine.current
  /// Whether 3×3 and 5×5 convolutions, and the gradients of their images, may be computed in Winograd's
  /// form: two to three times faster, with about twice the rounding error. See
  /// `Documentation/Winograd.md`.
  public var usesWinograd = true
  /// Whether a training step computes batch norms again for its backward half rather than keep what they
  /// made: less memory, a little more time, the same numbers. Nothing to a network that only runs.
  public var recomputesActivations = false
  /// Through whom the collective operators of each axis exchange numbers: one for each axis that the graph
  /// has operators of, of as many ranks.
  public var communicators: [RankAxis: any Communicator] = [:]
  /// Is told what each pass did.
  public var observePass: (@Sendable (PassRecord) -> Void)?

  /// The defaults: all threads of this process' shared pool.
  public init(pool: ThreadPool = .shared) { self.pool = pool }
}

extension Machine {
  /// A machine that this one can be, by its name; the best one if nil.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` naming those that there are.
  package static func named(_ name: String?) throws(ConvoyError) -> Machine {
    guard let name else { return .current }
    guard let machine = available.first(where: { $0.name == name }) else {
      let known = available.map(\.name).joined(separator: ", ")
      throw ConvoyError(.argument, "This processor can be \(known), got ‘\(name)’.")
    }
    return machine
  }
}
