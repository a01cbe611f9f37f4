import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// What a convolution layer costs, which kernel computes it and why the others do not.
public struct LayerExplanation: Hashable, Sendable, Encodable {
  /// The layer, written in full.
  public var layer: String
  /// The extents of the image and of the output, batch first.
  public var inputShape: [Int]
  /// See `inputShape`.
  public var outputShape: [Int]
  /// H'·W'·N·K²·C∕G for each image, or H·W·C·K²·N∕G of a transposed one.
  public var multiplyAdds: Int
  /// The factors of `multiplyAdds`, by the law's letters.
  public var factors: [Factor]
  /// Weights; no bias is counted.
  public var parameters: Int
  /// Bytes of the image, as 32-bit floats.
  public var inputBytes: Int
  /// Bytes of the weights.
  public var weightBytes: Int
  /// Bytes of the output.
  public var outputBytes: Int
  /// Two operations for each multiply-add, over the bytes of image, weights and output.
  public var operationsPerByte: Double
  /// Multiply-adds of the ungrouped convolution of the same sizes, over these: the number of groups.
  public var groupSaving: Int
  /// The instruction set that is explained: `avx512`.
  public var machine: String
  /// What the kernel is called in profiles.
  public var kernel: String
  /// Its tiles, if it has any.
  public var detail: String
  /// In what form it has its weights.
  public var packing: String
  /// Vector lanes of the output's planes that hold a channel.
  public var usedLanes: Int
  /// Vector lanes of the output's planes.
  public var lanes: Int
  /// Everything the catalog knows, best first.
  public var candidates: [KernelCandidate]

  /// A factor of the cost law: `(C∕groups)` and 4.
  public struct Factor: Hashable, Sendable, Encodable {
    /// As the law writes it.
    public var name: String
    /// Its number.
    public var value: Int
  }

  /// Explains a layer without running it.
  ///
  /// - Parameters:
  ///   - isa: a machine's name; that of this program if nil.
  ///   - usesWinograd: see `CompileOptions.usesWinograd`.
  /// - Throws: `ConvoyError` when the processor is no such machine.
  public init(
    _ layer: LayerDescription, isa: String? = nil, usesWinograd: Bool = true
  ) throws {
    var options = CompileOptions()
    options.machine = try Machine.named(isa)
    options.usesWinograd = usesWinograd
    let graph = try layer.network().graph.resized(batch: layer.batch)
    let cost = graph.cost
    let input = graph[graph.inputs[0]].shape
    let output = graph[graph.outputs[0].value].shape
    self.layer = layer.text
    inputShape = input.dimensions
    outputShape = output.dimensions
    multiplyAdds = cost.multiplyAdds
    factors = LayerExplanation.factors(layer, output)
    parameters = cost.parameters
    inputBytes = 4 * input.elementCount
    weightBytes = 4 * cost.parameters
    outputBytes = 4 * output.elementCount
    operationsPerByte = 2 * Double(cost.multiplyAdds) / Double(cost.bytes)
    groupSaving = layer.groups

    let program = try graph.program(options)
    guard let step = program.steps.first(where: { $0.decision != nil }),
      let decision = step.decision
    else { preconditionFailure("A convolution is decided by its catalog.") }
    let planes = program.planes(of: step.writes[0])
    machine = options.machine.name
    kernel = decision.kernel
    detail = decision.detail
    packing = decision.packing
    usedLanes = planes.channels
    lanes = planes.planes.count * PlaneLayout.lanes
    candidates = decision.candidates.map { KernelCandidate($0) }
  }

  private static func factors(_ layer: LayerDescription, _ output: Shape) -> [Factor] {
    let (outer, inner) =
      layer.isTransposed
      ? (("C", layer.inputChannels), ("N", layer.outputChannels))
      : (("N", layer.outputChannels), ("C", layer.inputChannels))
    let pixels = layer.isTransposed ? layer.size : Array(output.dimensions.suffix(2))
    let isSquare = layer.kernel[0] == layer.kernel[1]
    let mark = layer.isTransposed ? "" : "'"
    return [
      Factor(name: outer.0, value: outer.1),
      Factor(name: "(\(inner.0)∕groups)", value: inner.1 / layer.groups),
      Factor(name: isSquare ? "K²" : "K₁·K₂", value: layer.kernel[0] * layer.kernel[1]),
      Factor(name: "H\(mark)", value: pixels[0]), Factor(name: "W\(mark)", value: pixels[1]),
      Factor(name: "batch", value: layer.batch),
    ]
  }
}
