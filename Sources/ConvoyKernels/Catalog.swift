import ConvoyTensors

/// Why a way to compute something is not taken, as a sentence's end: `its image is row-major`.
struct Refusal: Error, Hashable, Sendable {
  let reason: String

  init(_ reason: String) { self.reason = reason }

  /// Where the system gives no executable memory.
  static let noMemoryForCode = Refusal("the system refuses memory for code")

  /// Refuses machines without generated code.
  static func unlessGenerating(_ machine: Machine) throws(Refusal) {
    if !machine.generatesCode {
      throw Refusal("the machine \(machine.name) has no generated code")
    }
  }
}

/// A way to compute a kind of work, decided for one problem: it knows its tiles and has its code, but
/// not where numbers lie.
///
/// Everything is decided by `init`, from the geometry of layouts; the places of their planes do not
/// count. Placing decides nothing.
protocol KernelMethod<Operands>: Equatable, Sendable {
  associatedtype Problem: Sendable
  associatedtype Operands: Sendable

  /// What the catalog calls the way: `generated pooling`.
  static var title: String { get }
  /// What its kernels are called in profiles: `avx512 pooling`.
  var name: String { get }
  /// How it goes about this piece of work: its tiles. Empty where there is nothing to tell.
  var detail: String { get }

  /// Decides how a problem is computed, or refuses it.
  init(_ problem: Problem, _ settings: KernelSettings) throws(Refusal)

  /// The kernel for numbers in their places.
  func kernel(at operands: Operands) -> any Kernel
}

extension KernelMethod {
  var detail: String { "" }

  /// Whether another way is the same one, decided alike.
  func isEqual(to other: any KernelMethod) -> Bool { (other as? Self) == self }
}

/// A way that needs nothing made of the places: its kernel is the way itself and the operands.
protocol DirectMethod: KernelMethod {
  /// See `Kernel.chunkCount`.
  var chunkCount: Int { get }
  /// See `Kernel.scratchCount`.
  var scratchCount: Int { get }
  /// Runs one chunk on numbers in their places.
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

/// One of the ways that a catalog lists for a kind of work.
struct CatalogEntry<Problem: Sendable, Method: Sendable>: Sendable {
  /// What it is called.
  let name: String
  /// The way decided for a problem.
  let decide: @Sendable (Problem, KernelSettings) throws(Refusal) -> Method
}

extension CatalogEntry {
  /// The entry of a method of a kind of work that needs nothing more.
  init<M: KernelMethod>(_ method: M.Type)
  where M.Problem == Problem, Method == any KernelMethod<M.Operands> {
    self.init(name: M.title) { (problem, settings) throws(Refusal) in
      try M(problem, settings)
    }
  }
}

extension Array {
  /// The first way that takes a problem, and what each said.
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

/// The ways known to compute each kind of work, best first, one that never refuses last.
package enum Catalog {
  static let convolution: [CatalogEntry<ConvolutionProblem, any ConvolutionMethod>] = [
    CatalogEntry(WinogradConvolution.self), CatalogEntry(DenseConvolution.self),
    CatalogEntry(LaneConvolution.self), CatalogEntry(PortableDenseConvolution.self),
    CatalogEntry(PortableLaneConvolution.self),
  ]

  static let weightGradient: [CatalogEntry<ConvolutionProblem, any WeightGradientMethod>] = [
    CatalogEntry(DenseWeightGradient.self), CatalogEntry(LaneWeightGradient.self),
    CatalogEntry(PortableDenseWeightGradient.self), CatalogEntry(PortableLaneWeightGradient.self),
  ]

  static let matrixProduct: [CatalogEntry<MatrixProductProblem, any MatrixProductMethod>] = [
    CatalogEntry(GeneratedMatrixProduct.self), CatalogEntry(PortableMatrixProduct.self),
  ]

  static let elementwise:
    [CatalogEntry<ElementwiseProblem, any KernelMethod<ElementwiseOperands>>] =
      [CatalogEntry(GeneratedElementwise.self), CatalogEntry(PortableElementwise.self)]

  static let normalization:
    [CatalogEntry<NormalizationProblem, any KernelMethod<NormalizationOperands>>] = [
      CatalogEntry(GeneratedNormalization.self), CatalogEntry(PortableNormalization.self),
    ]

  static let pooling: [CatalogEntry<PoolingProblem, any KernelMethod<PoolingOperands>>] = [
    CatalogEntry(GeneratedPooling.self), CatalogEntry(PortablePooling.self),
  ]

  static let poolingGradient:
    [CatalogEntry<PoolingGradientProblem, any KernelMethod<PoolingGradientOperands>>] = [
      CatalogEntry(GeneratedPoolingGradient.self), CatalogEntry(PortablePoolingGradient.self),
    ]

  /// How an elementwise operation in planes is computed.
  package static func elementwise(
    _ problem: ElementwiseProblem, _ settings: KernelSettings = KernelSettings()
  ) -> KernelPlan<ElementwiseOperands> {
    KernelPlan(elementwise, problem, settings)
  }

  /// How a batch normalisation by given statistics is computed.
  package static func normalization(
    _ problem: NormalizationProblem, _ settings: KernelSettings = KernelSettings()
  ) -> KernelPlan<NormalizationOperands> {
    KernelPlan(normalization, problem, settings)
  }

  /// How a pooling is computed.
  package static func pooling(
    _ problem: PoolingProblem, _ settings: KernelSettings = KernelSettings()
  ) -> KernelPlan<PoolingOperands> {
    KernelPlan(pooling, problem, settings)
  }

  /// How the gradient of a pooling's image is computed.
  package static func poolingGradient(
    _ problem: PoolingGradientProblem, _ settings: KernelSettings = KernelSettings()
  ) -> KernelPlan<PoolingGradientOperands> {
    KernelPlan(poolingGradient, problem, settings)
  }
}
