import ConvoyTensors

/// Why a method does not compute a problem, as the end of a sentence: `its image is row-major`.
struct Refusal: Error, Hashable, Sendable {
  let reason: String

  init(_ reason: String) { self.reason = reason }

  /// The refusal where the system provides no executable memory.
  static let noMemoryForCode = Refusal("the system refuses memory for code")

  /// Refuses machines for which no code is generated.
  static func unlessGenerating(_ machine: Machine) throws(Refusal) {
    if !machine.generatesCode {
      throw Refusal("the machine \(machine.name) has no generated code")
    }
  }
}

/// A method of computing one kind of work, planned for one problem: its tiles are chosen and its
/// code is generated, but the regions of the operands are not known yet.
///
/// `init` makes every decision, from the geometry of the layouts alone; it ignores the offsets of
/// their planes. `kernel(at:)` decides nothing.
protocol KernelMethod<Operands>: Equatable, Sendable {
  associatedtype Problem: Sendable
  associatedtype Operands: Sendable

  /// The method's name in the catalog: `generated pooling`.
  static var title: String { get }
  /// The name of the method's kernels in profiles: `avx512 pooling`.
  var name: String { get }
  /// The tiles of the method; empty for methods without tiles.
  var detail: String { get }

  /// Plans the computation of a problem, or refuses the problem.
  init(_ problem: Problem, _ settings: KernelSettings) throws(Refusal)

  /// The kernel for operands at given regions.
  func kernel(at operands: Operands) -> any Kernel
}

extension KernelMethod {
  var detail: String { "" }

  /// Whether another method is of the same type and made the same decisions.
  func isEqual(to other: any KernelMethod) -> Bool { (other as? Self) == self }
}

/// A method that derives nothing from the regions of its operands: its kernel is the method and the
/// operands.
protocol DirectMethod: KernelMethod {
  /// See `Kernel.chunkCount`.
  var chunkCount: Int { get }
  /// See `Kernel.scratchCount`.
  var scratchCount: Int { get }
  /// Runs one chunk on operands at given regions.
  func run(
    chunk: Int, at operands: Operands, in memory: Memory, scratch: UnsafeMutablePointer<Float>)
}

extension DirectMethod {
  var scratchCount: Int { 0 }

  func kernel(at operands: Operands) -> any Kernel {
    DirectKernel(method: self, operands: operands)
  }
}

/// The kernel of a `DirectMethod`.
private struct DirectKernel<Method: DirectMethod>: Kernel {
  let method: Method
  let operands: Method.Operands

  var name: String { method.name }
  var detail: String { method.detail }
  var chunkCount: Int { method.chunkCount }
  var scratchCount: Int { method.scratchCount }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    method.run(chunk: chunk, at: operands, in: memory, scratch: scratch)
  }
}

/// One of the methods that a catalog lists for a kind of work.
struct CatalogEntry<Problem: Sendable, Method: Sendable>: Sendable {
  /// The method's name.
  let name: String
  /// Plans the method for a problem, or refuses the problem.
  let decide: @Sendable (Problem, KernelSettings) throws(Refusal) -> Method
}

extension CatalogEntry {
  /// The entry of a method whose kind of work needs no further requirements.
  init<M: KernelMethod>(_ method: M.Type)
  where M.Problem == Problem, Method == any KernelMethod<M.Operands> {
    self.init(name: M.title) { (problem, settings) throws(Refusal) in
      try M(problem, settings)
    }
  }
}

extension Array {
  /// The first method that accepts a problem, and the verdict of each method.
  func decide<Problem, Method>(
    _ problem: Problem, _ settings: KernelSettings
  ) -> (method: Method, candidates: [Candidate]) where Element == CatalogEntry<Problem, Method> {
    var candidates: [Candidate] = []
    for (index, entry) in enumerated() {
      do {
        let method = try entry.decide(problem, settings)
        candidates.append(Candidate(name: entry.name, verdict: .taken))
        candidates += self[(index + 1)...].map { Candidate(name: $0.name, verdict: .notAsked) }
        return (method, candidates)
      } catch {
        candidates.append(Candidate(name: entry.name, verdict: .refused(error.reason)))
      }
    }
    preconditionFailure("The last entry of a catalog refuses nothing.")
  }
}
