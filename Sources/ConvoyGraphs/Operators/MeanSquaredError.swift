import ConvoyTensors

// MARK: Building

extension Value {
  /// The mean over all elements of the squared difference from a target of the same shape: a
  /// scalar.
  ///
  /// It is composed of other operators. Shapes that are only compatible by broadcasting are
  /// refused, because they are usually a mistake in a loss.
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
