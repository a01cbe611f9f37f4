import ConvoyTensors

/// The regions of a convolution kernel's operands.
package struct ConvolutionOperands: Sendable {
  /// The planes of the problem's input.
  package var input: PlanePlaces
  /// The packed weights.
  package var weights: Region
  /// The bias: 16 numbers for each output plane.
  package var bias: Region?
  /// The planes of the problem's output.
  package var output: PlanePlaces
  /// The residual that is added to each sum before the epilogue's function: planes of the output's
  /// geometry and order.
  package var residual: PlanePlaces?

  /// Operands at given regions.
  package init(
    input: PlanePlaces, weights: Region, bias: Region?, output: PlanePlaces,
    residual: PlanePlaces? = nil
  ) {
    self.input = input
    self.weights = weights
    self.bias = bias
    self.output = output
    self.residual = residual
  }

  func bias(_ plane: Int, _ memory: Memory) -> Lanes {
    bias.map { UnsafePointer(memory[$0] + plane * PlaneLayout.lanes).lanes } ?? .zero
  }

  /// Bytes from a pixel of an output plane to the residual's pixel; nil if there is no residual.
  func residualDistance(_ plane: Int, _ memory: Memory) -> Int? {
    guard let residual else { return nil }
    let from = output.start(of: plane, in: memory)
    let to = residual.start(of: plane, in: memory)
    return UnsafeRawPointer(to) - UnsafeRawPointer(from)
  }
}
