import ConvoyTensors

// MARK: Building

extension Value {
  /// The mean over all elements of the squared difference from a target of the same shape: a scalar.
  ///
  /// Made of other operators. Shapes that only broadcast are refused: in a loss they are a mistake.
  public func meanSquaredError(to target: Value) -> Value {
    if shape != target.shape {
      builder.fail(
        ConvoyError(
          .shape,
          "meanSquaredError: expected a target of shape \(shape), got \(target.shape)."))
    }
    return (self - target).applying(.square).mean()
  }
}
