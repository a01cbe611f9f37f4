package import ConvoyTensors

/// Each output number made from one or two input numbers, in planes of one geometry.
///
/// The second operand may also be an image's or the batch's single pixel, which every pixel meets:
/// scaling and shifting by channel.
package struct ElementwiseProblem: Hashable, Sendable {
  /// What is computed.
  package var operation: LaneOperation
  /// The first operand's planes.
  package var first: PlaneLayout
  /// The second operand's planes, if there is one.
  package var second: PlaneLayout?
  /// The planes of the results.
  package var output: PlaneLayout
  /// What is applied to each result.
  package var tail: Tail

  /// Describes the work.
  ///
  /// - Parameters:
  ///   - second: planes of the first's extents or of one pixel, and of its batch or of one image; nil
  ///     for a function of one number.
  ///   - output: planes of the first's extents and batch.
  ///   - tail: what is applied to each result.
  package init(
    _ operation: LaneOperation, _ first: PlaneLayout, _ second: PlaneLayout? = nil,
    to output: PlaneLayout, tail: Tail = Tail()
  ) {
    self.operation = operation
    self.first = first
    self.second = second
    self.output = output
    self.tail = tail
  }

  /// Whether all images meet the same pixels of the second operand.
  var isSecondShared: Bool { second?.batch == 1 && output.batch > 1 }

  /// Whether every pixel of an image meets the same pixel of the second operand.
  var isByChannel: Bool {
    second?.extents.volume == 1 && (output.extents.volume > 1 || isSecondShared)
  }
}

/// Where the numbers of an elementwise kernel are.
package struct ElementwiseOperands: Sendable {
  let first: PlanePlaces
  let second: PlanePlaces
  let output: PlanePlaces

  /// Names the places of the operands' planes, the second's if there is one, and the results'.
  package init(first: PlanePlaces, second: PlanePlaces? = nil, output: PlanePlaces) {
    self.first = first
    self.second = second ?? first
    self.output = output
  }
}
