import ConvoyGraphs
import ConvoyKernels
public import ConvoyTensors

/// The cost of a convolution layer, the kernel that computes it, and why other methods do not.
public struct LayerExplanation: Hashable, Sendable, Encodable {
  /// The layer with all attributes, as text.
  public var layer: String
  /// The extents of the image and of the output, batch first.
  public var inputShape: [Int]
  /// See `inputShape`.
  public var outputShape: [Int]
  /// H'·W'·N·K²·C∕G for each image, or H·W·C·K²·N∕G of a transposed one.
  public var multiplyAdds: Int
  /// The factors of `multiplyAdds`, by their letters in the formula.
  public var factors: [Factor]
  /// The number of weights; there is no bias.
  public var parameters: Int
  /// Bytes of the image, as 32-bit floats.
  public var inputBytes: Int
  /// Bytes of the weights.
  public var weightBytes: Int
  /// Bytes of the output.
  public var outputBytes: Int
  /// Operations, two for each multiply-add, divided by the bytes of image, weights and output.
  public var operationsPerByte: Double
  /// The multiply-adds of the ungrouped convolution of the same sizes divided by the layer's: the
  /// number of groups.
  public var groupSaving: Int
  /// The instruction set of the explanation: `avx512`.
  public var machine: String
  /// The kernel's name in profiles.
  public var kernel: String
  /// The tiles of the kernel; empty if it has none.
  public var detail: String
  /// The form in which the weights are packed.
  public var packing: String
  /// The vector lanes of the output's planes that hold a channel.
  public var usedLanes: Int
  /// All vector lanes of the output's planes.
  public var lanes: Int
  /// All methods of the catalog, the preferred one first.
  public var candidates: [KernelCandidate]

  /// A factor of the cost formula: `(C∕groups)` and 4.
  public struct Factor: Hashable, Sendable, Encodable {
    /// The factor in the formula.
    public var name: String
    /// Its value.
    public var value: Int
  }

  /// Explains a layer without running it.
  ///
  /// - Parameters:
  ///   - isa: a machine's name; this program's machine if nil.
  ///   - usesWinograd: see `CompileOptions.usesWinograd`.
  /// - Throws: `ConvoyError` when the processor is no such machine.
  public init(
    _ layer: LayerDescription, isa: String? = nil, usesWinograd: Bool = true
  ) throws(ConvoyError) {
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
    let elementBytes = ElementType.float32.size
    inputBytes = elementBytes * input.elementCount
    weightBytes = elementBytes * cost.parameters
    outputBytes = elementBytes * output.elementCount
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
