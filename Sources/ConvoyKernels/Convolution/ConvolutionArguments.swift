import ConvoyTensors
import ConvoyTiles

extension TileArguments {
  /// Sets the parameters of the epilogue's function, if it has any.
  func set(parametersOf epilogue: ScalarFunction?) {
    if let epilogue { set(parametersOf: epilogue) }
  }

  /// Sets the initial values of the sums of some planes.
  func set(bias planes: Range<Int>, _ operands: ConvolutionOperands, _ memory: Memory) {
    for (index, plane) in planes.enumerated() {
      base.storeBytes(
        of: operands.bias(plane, memory),
        toByteOffset: Field.bias.rawValue + 64 * index, as: Lanes.self)
    }
  }

  /// Provides zeros as initial values of sums, for planes without a bias.
  func prepareStartOfSums() {
    base.storeBytes(of: .zero, toByteOffset: Field.bias.rawValue, as: Lanes.self)
  }

  /// Sets the address of the initial values of a plane's sums.
  func set(startOf plane: Int, _ operands: ConvolutionOperands, _ memory: Memory) {
    let bias = operands.bias.map { UnsafeRawPointer(memory[$0] + plane * PlaneLayout.lanes) }
    let zeros = UnsafeRawPointer(base + Field.bias.rawValue)
    set(.startOfSums, Int(bitPattern: bias ?? zeros))
  }

  /// Sets the addresses of the residual that is added to some planes' sums.
  func set(residual planes: Range<Int>, _ operands: ConvolutionOperands, _ memory: Memory) {
    guard operands.residual != nil else { return }
    for (index, plane) in planes.enumerated() {
      base.storeBytes(
        of: operands.residualDistance(plane, memory) ?? 0,
        toByteOffset: Field.residuals.rawValue + 8 * index, as: Int.self)
    }
  }
}
