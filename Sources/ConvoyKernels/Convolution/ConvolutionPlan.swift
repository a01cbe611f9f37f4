import ConvoyTensors

/// What, besides the problem, decides which kernel is taken.
public struct KernelSettings: Hashable, Sendable {
  /// What the kernel is to run on.
  public var machine: Machine
  /// Whether sums may be computed in Winograd's form: several times faster, and less exact. See
  /// `Documentation/Winograd.md`.
  public var allowsWinograd: Bool
  /// Whether weights are packed in every run, as in training, rather than once.
  public var weightsChange: Bool

  /// Describes the settings.
  public init(
    machine: Machine = .current, allowsWinograd: Bool = true, weightsChange: Bool = false
  ) {
    self.machine = machine
    self.allowsWinograd = allowsWinograd
    self.weightsChange = weightsChange
  }
}

/// A way to compute convolutions, and the form in which it wants their weights.
struct ConvolutionEntry: Sendable {
  let name: String
  /// Why it cannot, as a sentence's end; nil when it can.
  let refusal: @Sendable (ConvolutionProblem, KernelSettings) -> String?
  /// The floats that the weights take, packed.
  let weightCount: @Sendable (ConvolutionProblem, Machine) -> Int
  /// Packs the weights of a problem from one place to another.
  let packing: @Sendable (ConvolutionProblem, Region, Region, Machine) -> any Kernel
  /// Makes the kernel for a problem it does not refuse; nil where the system refuses memory for code.
  let make: @Sendable (ConvolutionProblem, ConvolutionOperands, Machine) -> (any Kernel)?

  /// A way that takes its weights in rows: see `WeightPacking`.
  init(
    _ name: String,
    refusal: @escaping @Sendable (ConvolutionProblem, KernelSettings) -> String?,
    weightCount: @escaping @Sendable (ConvolutionProblem, Machine) -> Int = { problem, _ in
      WeightPacking.elementCount(problem)
    },
    packing: @escaping @Sendable (ConvolutionProblem, Region, Region, Machine) -> any Kernel = {
      problem, source, destination, _ in
      WeightPacking(problem, from: source, to: destination)
    },
    make: @escaping @Sendable (ConvolutionProblem, ConvolutionOperands, Machine) -> (any Kernel)?
  ) {
    self.name = name
    self.refusal = refusal
    self.weightCount = weightCount
    self.packing = packing
    self.make = make
  }

  /// Every way, best first, one that never refuses last.
  static let all = [
    ConvolutionEntry(
      "generated winograd",
      refusal: { problem, settings in
        settings.allowsWinograd
          ? WinogradConvolution.refusal(
            problem, settings.machine, weightsChange: settings.weightsChange)
          : "Winograd's form is switched off"
      },
      weightCount: { problem, _ in WinogradWeights.elementCount(problem) },
      packing: { problem, source, destination, _ in
        WinogradWeights(problem, from: source, to: destination)
      },
      make: { WinogradConvolution($0, $1, $2) }),
    ConvolutionEntry(
      "generated broadcast",
      refusal: { GeneratedBroadcastConvolution.refusal($0, $1.machine) },
      weightCount: { PlaneFolding($0, $1).weightStarts($0.phases).count },
      packing: { WeightPacking($0, from: $1, to: $2, PlaneFolding($0, $3)) },
      make: { GeneratedBroadcastConvolution($0, $1, $2) }),
    ConvolutionEntry(
      "generated lanes",
      refusal: { GeneratedLaneConvolution.refusal($0, $1.machine) },
      make: { GeneratedLaneConvolution($0, $1, $2) }),
    ConvolutionEntry(
      "portable broadcast",
      refusal: { problem, _ in PortableBroadcastConvolution.refusal(problem) },
      make: { problem, operands, _ in PortableBroadcastConvolution(problem, operands) }),
    ConvolutionEntry(
      "portable lane by lane", refusal: { _, _ in nil },
      make: { problem, operands, _ in PortableLaneConvolution(problem, operands) }),
  ]
}

/// The way in which a convolution will be computed. Settled before its numbers have their places, since
/// it decides how the weights are packed.
public struct ConvolutionChoice: Sendable {
  private let entry: ConvolutionEntry
  private let machine: Machine

  /// The best way for a problem.
  ///
  /// - Parameters:
  ///   - problem: with planes in any place.
  ///   - tail: what will be applied to each sum.
  ///   - addsResidual: whether something will be added to each.
  public init(
    _ problem: ConvolutionProblem, tail: Tail = Tail(), addsResidual: Bool = false,
    _ settings: KernelSettings = KernelSettings()
  ) {
    machine = settings.machine
    let machine = machine
    let nowhere = Region(.arena, offset: 0)
    let trial = ConvolutionOperands(
      input: nowhere, weights: nowhere, bias: nil, output: nowhere,
      residual: addsResidual ? .init(base: nowhere, planes: problem.output.planes) : nil,
      tail: tail)
    // Making a kernel asks the system for the code's memory; once made, code is kept and shared.
    let entry = ConvolutionEntry.all.first {
      $0.refusal(problem, settings) == nil && $0.make(problem, trial, machine) != nil
    }
    guard let entry else { preconditionFailure("The last entry refuses nothing.") }
    self.entry = entry
  }

  /// What it is called.
  public var name: String { entry.name }

  /// The floats that the problem's weights take, packed.
  public func weightCount(_ problem: ConvolutionProblem) -> Int {
    entry.weightCount(problem, machine)
  }

  /// Packs the weights' tensor, [O, I∕G, k…] or transposed [I, O∕G, k…].
  public func packing(
    _ problem: ConvolutionProblem, from source: Region, to destination: Region
  ) -> any Kernel {
    entry.packing(problem, source, destination, machine)
  }

  /// The kernel.
  ///
  /// - Parameters:
  ///   - problem: that of the choice, its planes in their places.
  ///   - operands: where its numbers are.
  public func kernel(
    _ problem: ConvolutionProblem, _ operands: ConvolutionOperands
  ) -> any Kernel {
    guard let kernel = entry.make(problem, operands, machine) else {
      preconditionFailure("The code of a kernel that was chosen is kept.")
    }
    return kernel
  }

  /// For each way to compute a convolution, best first, why it is refused; nil for those that can.
  public static func explanations(
    _ problem: ConvolutionProblem, _ settings: KernelSettings = KernelSettings()
  ) -> [(name: String, refusal: String?)] {
    ConvolutionEntry.all.map { ($0.name, $0.refusal(problem, settings)) }
  }
}
