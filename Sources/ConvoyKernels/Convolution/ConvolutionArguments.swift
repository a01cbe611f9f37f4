import ConvoyTensors

extension TileArguments {
  /// Sets what the sums of some planes begin with, and the parameters of what is done to them.
  func set(
    bias planes: Range<Int>, _ operands: ConvolutionOperands, _ memory: Memory
  ) {
    for (index, plane) in planes.enumerated() {
      base.storeBytes(
        of: operands.bias(plane, memory),
        toByteOffset: Field.bias.rawValue + 64 * index, as: Lanes.self)
    }
    if let function = operands.tail.function { set(parametersOf: function) }
  }

  /// Sets what stays the same for every plane of a convolution lane by lane.
  func prepare(_ operands: ConvolutionOperands) {
    base.storeBytes(of: .zero, toByteOffset: Field.bias.rawValue, as: Lanes.self)
    if let function = operands.tail.function { set(parametersOf: function) }
  }

  /// Sets where what a plane's sums begin with stands.
  func set(startOf plane: Int, _ operands: ConvolutionOperands, _ memory: Memory) {
    let bias = operands.bias.map { UnsafeRawPointer(memory[$0] + plane * PlaneLayout.lanes) }
    let zeros = UnsafeRawPointer(base + Field.bias.rawValue)
    set(.startOfSums, Int(bitPattern: bias ?? zeros))
  }

  /// Sets where what is added to some planes' sums is.
  func set(
    residual planes: Range<Int>, _ operands: ConvolutionOperands, _ problem: ConvolutionProblem,
    _ memory: Memory
  ) {
    guard operands.residual != nil else { return }
    for (index, plane) in planes.enumerated() {
      base.storeBytes(
        of: operands.residualDistance(plane, of: problem, memory) ?? 0,
        toByteOffset: Field.residuals.rawValue + 8 * index, as: Int.self)
    }
  }
}
