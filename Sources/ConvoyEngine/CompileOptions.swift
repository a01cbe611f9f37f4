public import ConvoyGraphs
public import ConvoyKernels
package import ConvoyTensors

/// The options of compiling a graph.
public struct CompileOptions: Sendable {
  /// The threads of a run.
  public var pool: ThreadPool
  /// Whether elementwise functions and residual sums are computed in the epilogue of the layer before them.
  public var fusesEpilogues = true
  /// The machine whose instructions kernels may use: one of `Machine.available`.
  public var machine = Machine.current
  /// Whether 3×3 and 5×5 convolutions, and the gradients of their images, may be computed by
  /// Winograd's algorithm: two to three times faster, with about twice the rounding error. See
  /// `Documentation/Winograd.md`.
  public var usesWinograd = true
  /// Whether the backward half of a training step recomputes the results of batch normalisations
  /// rather than keeping them: less memory, slightly more time, the same numbers. It has no effect
  /// outside training.
  public var recomputesActivations = false
  /// What plans of one network share their packed weights by, if they do.
  public var sharedWeights: SharedWeights?
  /// The communicators of the collective operators: one for each axis that operators of the graph
  /// use, with as many ranks.
  public var communicators: [RankAxis: any Communicator] = [:]
  /// Called after each pass.
  public var observePass: (@Sendable (PassRecord) -> Void)?

  /// The defaults: all threads of this process' shared pool.
  public init(pool: ThreadPool = .shared) { self.pool = pool }
}

extension Machine {
  /// The machine of a given name; the fastest one if nil.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` naming the available machines.
  package static func named(_ name: String?) throws(ConvoyError) -> Machine {
    guard let name else { return .current }
    guard let machine = available.first(where: { $0.name == name }) else {
      let known = available.map(\.name).joined(separator: ", ")
      throw ConvoyError(.argument, "This processor can be \(known), got ‘\(name)’.")
    }
    return machine
  }
}
