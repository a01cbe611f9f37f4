import ConvoyTensors
import ConvoyTiles

extension TileArguments {
  /// Sets the parameters of what is done to sums, if there are any.
  func set(parametersOf tail: Tail) {
    if let function = tail.function { set(parametersOf: function) }
  }

  /// Sets what the sums of some planes begin with.
  func set(bias planes: Range<Int>, _ operands: ConvolutionOperands, _ memory: Memory) {
    for (index, plane) in planes.enumerated() {
      base.storeBytes(
        of: operands.bias(plane, memory),
        toByteOffset: Field.bias.rawValue + 64 * index, as: Lanes.self)
    }
  }

  /// Keeps zeros where sums have their beginnings, for planes without a bias.
  func prepareStartOfSums() {
    base.storeBytes(of: .zero, toByteOffset: Field.bias.rawValue, as: Lanes.self)
  }

  /// Sets where what a plane's sums begin with stands.
  func set(startOf plane: Int, _ operands: ConvolutionOperands, _ memory: Memory) {
    let bias = operands.bias.map { UnsafeRawPointer(memory[$0] + plane * PlaneLayout.lanes) }
    let zeros = UnsafeRawPointer(base + Field.bias.rawValue)
    set(.startOfSums, Int(bitPattern: bias ?? zeros))
  }

  /// Sets where what is added to some planes' sums is.
  func set(residual planes: Range<Int>, _ operands: ConvolutionOperands, _ memory: Memory) {
    guard operands.residual != nil else { return }
    for (index, plane) in planes.enumerated() {
      base.storeBytes(
        of: operands.residualDistance(plane, memory) ?? 0,
        toByteOffset: Field.residuals.rawValue + 8 * index, as: Int.self)
    }
  }
}
