import ConvoyTensors
import ConvoyTiles

extension TileArguments where Field: TileField {
  /// Sets the parameters of the epilogue's function, if it has any.
  func set(parametersOf epilogue: ScalarFunction?) {
    if let epilogue { set(parametersOf: epilogue) }
  }

  /// Sets the initial values of the sums of some planes.
  func set(bias planes: Range<Int>, _ operands: ConvolutionOperands, _ memory: Memory) {
    for (index, plane) in planes.enumerated() {
      base.storeBytes(
        of: operands.bias(plane, memory),
        toByteOffset: CommonField.bias.rawValue + 64 * index, as: Lanes.self)
    }
  }

  /// Sets the addresses of the residual that is added to some planes' sums.
  func set(residual planes: Range<Int>, _ operands: ConvolutionOperands, _ memory: Memory) {
    guard operands.residual != nil else { return }
    for (index, plane) in planes.enumerated() {
      base.storeBytes(
        of: operands.residualDistance(plane, memory) ?? 0,
        toByteOffset: CommonField.residuals.rawValue + 8 * index, as: Int.self)
    }
  }
}
