import ConvoyGraphs
package import ConvoyKernels
public import ConvoyTensors
import Synchronization

/// A graph compiled for this machine.
///
/// A plan is immutable, and may run on several threads at once: each run uses an arena of its own.
/// A plan that exchanges numbers with other ranks runs once at a time, since exchanges are
/// identified by their tags.
public final class Plan: Sendable {
  /// A kernel and the node it computes.
  package struct Step: Sendable {
    package var name: String
    package var kernel: any Kernel
    /// The decision of a catalog, where there was a choice.
    var decision: Decision?
  }

  package let steps: [Step]
  let inputs: [TensorSlot]
  let outputs: [TensorSlot]
  let parameters: [TensorSlot]
  package let stateByteCount: Int
  private let constants: Constants
  private let frozenState: MemoryBlock?
  private let arenaByteCount: Int
  /// Floats of scratch memory for each thread.
  private let scratchCount: Int
  private let pool: ThreadPool
  private let communicators: [any Communicator]
  private let arenas = Mutex<[MemoryBlock]>([])

  init(
    steps: [Step], inputs: [TensorSlot], outputs: [TensorSlot], parameters: [TensorSlot],
    constants: Constants,
    frozenState: MemoryBlock?, arenaByteCount: Int, stateByteCount: Int, pool: ThreadPool,
    communicators: [any Communicator]
  ) {
    self.steps = steps
    self.inputs = inputs
    self.outputs = outputs
    self.parameters = parameters
    self.constants = constants
    self.frozenState = frozenState
    self.arenaByteCount = arenaByteCount
    self.stateByteCount = stateByteCount
    self.pool = pool
    self.communicators = communicators
    let floats = steps.map(\.kernel.scratchCount).max() ?? 0
    scratchCount =
      Program.aligned(floats * MemoryLayout<Float>.size) / MemoryLayout<Float>.size
  }

  /// Bytes of the arena of one run.
  public var arenaBytes: Int {
    arenaByteCount + scratchCount * MemoryLayout<Float>.size * pool.threadCount
  }

  /// Bytes of packed weights, and of parameters that are read in place.
  public var weightBytes: Int { constants.byteCount + (frozenState?.byteCount ?? 0) }

  /// Bytes of those packed weights that this plan did not add to memory: `SharedWeights` found
  /// another plan's, or another layer's.
  public var sharedWeightBytes: Int { constants.sharedByteCount }

  /// Runs a network of one input and one output.
  ///
  /// - Parameter image: a tensor of the input's shape, batch first; NCHW for images.
  /// - Throws: `ConvoyError` when the shape is another.
  public func callAsFunction(_ image: Tensor) throws(ConvoyError) -> Tensor {
    guard inputs.count == 1, outputs.count == 1 else {
      throw ConvoyError(
        .argument,
        "This network has \(inputs.count) inputs and \(outputs.count) outputs; call run with names."
      )
    }
    return try run([inputs[0].name: image])[0]
  }

  /// Runs the plan, and returns the outputs by name.
  ///
  /// - Parameters:
  ///   - given: a tensor for each input.
  ///   - variables: the parameters, for a plan compiled with variables; the run changes them.
  /// - Throws: `ConvoyError` when an input is missing, unknown or of another shape, or when another
  ///   rank has failed.
  public func run(
    named given: [String: Tensor], variables: Variables? = nil
  ) throws(ConvoyError) -> [String: Tensor] {
    let results = try run(given, variables: variables)
    return Dictionary(zip(outputs.map(\.name), results)) { first, _ in first }
  }

  /// The outputs in order.
  ///
  /// - Parameter observe: called after each step with its index and duration.
  private func run(
    _ given: [String: Tensor], variables: Variables? = nil,
    observe: ((Int, Duration) -> Void)? = nil
  ) throws(ConvoyError) -> [Tensor] {
    try check(given)
    let arena = try borrowArena()
    defer { arenas.withLock { $0.append(arena) } }
    guard let state = variables?.block ?? frozenState else {
      throw ConvoyError(
        .argument, "This plan was compiled with variables; a run needs them, none were given.")
    }
    let memory = Memory(
      arena: arena.address, state: state.address, constants: constants.block.address)
    for slot in inputs {
      guard let tensor = given[slot.name] else { continue }
      tensor.withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(start: memory.bytes(slot.region), count: bytes.count)
          .copyMemory(from: bytes)
      }
    }
    let scratch = (arena.address + arenaByteCount).assumingMemoryBound(to: Float.self)
    let clock = ContinuousClock()
    for (index, step) in steps.enumerated() {
      let start = observe == nil ? nil : clock.now
      pool.runAll(step.kernel, memory, scratch, scratchCount)
      if let observe, let start { observe(index, clock.now - start) }
    }
    for communicator in communicators {
      if let failure = communicator.failure { throw failure }
    }
    return outputs.map { $0.tensor(in: memory) }
  }

  /// The duration of each step.
  ///
  /// - Parameters:
  ///   - given: as for `run`.
  ///   - variables: as for `run`; the runs change them.
  ///   - runs: the number of runs; each step's shortest time is returned.
  /// - Throws: `ConvoyError` when an input is missing, unknown or of another shape.
  public func profile(
    named given: [String: Tensor], variables: Variables? = nil, runs: Int = 3
  ) throws(ConvoyError) -> [StepTime] {
    var times = steps.map {
      StepTime(node: $0.name, kernel: $0.kernel.name, seconds: .infinity)
    }
    for _ in 0..<max(1, runs) {
      for (index, seconds) in try stepSeconds(named: given, variables: variables).enumerated() {
        times[index].seconds = min(times[index].seconds, seconds)
      }
    }
    return times
  }

  /// The duration of each step of one run.
  package func stepSeconds(
    named given: [String: Tensor], variables: Variables? = nil
  ) throws(ConvoyError) -> [Double] {
    var seconds = Array(repeating: 0.0, count: steps.count)
    _ = try run(given, variables: variables) { seconds[$0] = $1 / .seconds(1) }
    return seconds
  }

  private func check(_ given: [String: Tensor]) throws(ConvoyError) {
    for slot in inputs {
      guard let tensor = given[slot.name] else {
        throw ConvoyError(
          .argument,
          "The network needs an input \(slot.name) of shape \(slot.shape); none was given.")
      }
      guard tensor.shape == slot.shape else {
        throw ConvoyError(
          .shape,
          "The input \(slot.name) was compiled for shape \(slot.shape), got \(tensor.shape).")
      }
      guard tensor.type == slot.type.type else {
        throw ConvoyError(
          .type,
          "The input \(slot.name) was compiled for \(slot.type.type), got a tensor of \(tensor.type)."
        )
      }
    }
    for name in given.keys where !inputs.contains(where: { $0.name == name }) {
      let known = inputs.map(\.name).joined(separator: ", ")
      throw ConvoyError(.argument, "The network has no input \(name); its inputs are \(known).")
    }
  }

  private func borrowArena() throws(ConvoyError) -> MemoryBlock {
    if let arena = arenas.withLock({ $0.popLast() }) { return arena }
    return try MemoryBlock(byteCount: arenaBytes, for: "The activations of a run")
  }
}

/// The duration of a step of a plan.
public struct StepTime: Hashable, Sendable {
  /// The node that the step computes, or a part of it.
  public var node: String
  /// The kernel's name.
  public var kernel: String
  /// The duration.
  public var seconds: Double
}

extension ThreadPool {
  /// Runs all chunks of a kernel, with scratch memory for each thread.
  func runAll(
    _ kernel: any Kernel, _ memory: Memory, _ scratch: UnsafeMutablePointer<Float>,
    _ scratchCount: Int
  ) {
    run(chunks: kernel.chunkCount) { chunk, worker in
      kernel.run(chunk: chunk, in: memory, scratch: scratch + worker * scratchCount)
    }
  }

  /// Runs all chunks of a kernel that needs no scratch memory.
  func runAll(_ kernel: any Kernel, _ memory: Memory) {
    precondition(kernel.scratchCount == 0, "\(kernel.name) needs private memory.")
    runAll(kernel, memory, memory.arena.assumingMemoryBound(to: Float.self), 0)
  }
}

extension Variables {
  /// The variables of a plan.
  ///
  /// - Parameter parameters: a tensor for each parameter of the plan's graph; others are ignored.
  /// - Throws: `ConvoyError` when one is missing or of another shape.
  public convenience init(_ plan: Plan, parameters: [String: Tensor]) throws(ConvoyError) {
    try self.init(plan.parameters, byteCount: plan.stateByteCount, parameters)
  }
}
