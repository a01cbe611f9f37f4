import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors

/// The plans of a model that were used last.
final class PlanCache: Sendable {
  private struct Entry {
    let shapes: [String: Shape]
    /// The inputs on whose numbers the plan depends.
    let constants: [String: Tensor]
    let plan: Plan
  }

  private let options: CompileOptions
  /// The last used comes last.
  private let entries = POSIXMutex<[Entry]>([])

  private static let capacity = 8

  init(_ options: CompileOptions) {
    var options = options
    if options.sharedWeights == nil { options.sharedWeights = SharedWeights() }
    self.options = options
  }

  /// A plan for inputs; nil if there is none.
  func plan(for inputs: [String: Tensor]) -> Plan? {
    entries.withLock { entries in
      let index = entries.firstIndex { entry in
        entry.shapes.count == inputs.count
          && inputs.allSatisfy { name, tensor in entry.shapes[name] == tensor.shape }
          && entry.constants.allSatisfy { name, tensor in inputs[name] == tensor }
      }
      guard let index else { return nil }
      let entry = entries.remove(at: index)
      entries.append(entry)
      return entry.plan
    }
  }

  /// Compiles a plan and keeps it in place of the one that was not used for longest.
  func insert(
    _ model: Model, shapes: [String: Shape], constants: [String: Tensor]
  ) throws(ConvoyError) -> Plan {
    let simple = try model.simplified()
    let plan = try simple.graph.compiled(parameters: simple.parameters, options: options)
    let entry = Entry(shapes: shapes, constants: constants, plan: plan)
    entries.withLock { entries in
      if entries.count == Self.capacity { entries.removeFirst() }
      entries.append(entry)
    }
    return plan
  }
}
