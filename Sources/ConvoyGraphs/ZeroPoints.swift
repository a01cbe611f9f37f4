import ConvoyTensors

extension Shape {
  /// Checks that zero points are broadcast to a tensor of this shape.
  func validate(zeroPoints: Shape) throws(ConvoyError) {
    guard (try? broadcast(with: zeroPoints)) == self else {
      throw ConvoyError(
        .shape, "expected zero points that are broadcast to \(self), got \(zeroPoints)")
    }
  }
}

extension [Tensor] {
  /// The differences of the integers of an operand from its zero points, where there are any: those
  /// of the first two tensors are the third and the fourth.
  ///
  /// - Precondition: the integers have at most 16 bits.
  func differences(_ operand: Int) -> [Int32] {
    let numbers = self[operand].converted(to: .int32).known(as: Int32.self)
    guard count > operand + 2 else { return numbers }
    let zeros = self[operand + 2].converted(to: .int32)
      .spread(to: self[operand].shape, as: Int32.self)
    return zip(numbers, zeros).map { $0 - $1 }
  }
}
