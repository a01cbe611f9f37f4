package import ConvoyTensors

/// An elementwise function of one or two operands in planes of one geometry.
///
/// The second operand may also be a single pixel, of each image or of the batch, that is combined
/// with every pixel: scaling and shifting by channel.
package struct ElementwiseProblem: Hashable, Sendable {
  /// The operation.
  package var operation: LaneOperation
  /// The first operand's planes.
  package var first: PlaneLayout
  /// The second operand's planes, if there is one.
  package var second: PlaneLayout?
  /// The planes of the results.
  package var output: PlaneLayout
  /// The epilogue: the function that is applied to each result.
  package var epilogue: ScalarFunction?

  /// An elementwise operation.
  ///
  /// - Parameters:
  ///   - second: planes of the first's extents or of one pixel, and of its batch or of one image;
  ///     nil for a function of one number.
  ///   - output: planes of the first's extents and batch.
  ///   - epilogue: the function that is applied to each result.
  package init(
    _ operation: LaneOperation, _ first: PlaneLayout, _ second: PlaneLayout? = nil,
    to output: PlaneLayout, epilogue: ScalarFunction? = nil
  ) {
    self.operation = operation
    self.first = first
    self.second = second
    self.output = output
    self.epilogue = epilogue
  }

  /// Whether all images use the same pixels of the second operand.
  var isSecondShared: Bool { second?.batch == 1 && output.batch > 1 }

  /// Whether every pixel of an image uses the same pixel of the second operand.
  var isByChannel: Bool {
    second?.extents.volume == 1 && (output.extents.volume > 1 || isSecondShared)
  }
}

/// The regions of an elementwise kernel's operands.
package struct ElementwiseOperands: Sendable {
  let first: PlanePlaces
  let second: PlanePlaces
  let output: PlanePlaces

  /// Operands at given regions: the first, the second if there is one, and the output.
  package init(first: PlanePlaces, second: PlanePlaces? = nil, output: PlanePlaces) {
    self.first = first
    self.second = second ?? first
    self.output = output
  }
}
