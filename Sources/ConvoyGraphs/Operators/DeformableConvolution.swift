public import ConvoyTensors

// MARK: Attributes

/// A convolution whose window has an offset for each of its elements at each place.
///
/// Inputs: an image [B, C, H, W]; weights [O, C∕G, h, w]; offsets [B, D·h·w·2, H′, W′], for each of
/// D groups of channels and each element of the window those of its row and its column; and
/// optionally factors [B, D·h·w, H′, W′]. Output: [B, O, H′, W′]. Between pixels, and to the 0 around
/// the image, numbers are interpolated linearly.
///
/// Source: Zhu et al., "Deformable ConvNets v2: More Deformable, Better Results", 2019; ONNX,
/// `DeformConv`.
public struct DeformableConvolution: TypedOperator {
  /// See `Operator.name`.
  public static let name = "deformableConvolution"
  /// The window before it is deformed.
  public var window: Window
  /// The number of groups that the channels are divided into.
  public var groups: Int
  /// The number of groups of channels with offsets of their own.
  public var offsetGroups: Int

  /// Describes a deformable convolution.
  public init(_ window: Window, groups: Int = 1, offsetGroups: Int = 1) {
    (self.window, self.groups, self.offsetGroups) = (window, groups, offsetGroups)
  }

  // MARK: Shape

  /// As that of `Convolution`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 3...4)
    let output = try Convolution(window, groups: groups)
      .outputShapes(for: Array(inputs.prefix(2)))[0]
    guard output.rank == 4 else {
      throw ConvoyError(.shape, "expected an image of 2 spatial dimensions, got \(inputs[0])")
    }
    guard offsetGroups >= 1, inputs[0][1] % offsetGroups == 0 else {
      throw ConvoyError(
        .attribute, "expected offset groups that divide \(inputs[0][1]), got \(offsetGroups)")
    }
    for (index, factor) in zip(inputs.indices.dropFirst(2), [2, 1]) {
      let channels = offsetGroups * window.elementCount * factor
      let expected: Shape = [output[0], channels, output[2], output[3]]
      guard inputs[index] == expected else {
        throw ConvoyError(
          .shape, "expected input \(index + 1) of shape \(expected), got \(inputs[index])")
      }
    }
    return [output]
  }

  // MARK: Cost

  /// As that of `Convolution`.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    Convolution(window, groups: groups).multiplyAdds(inputs: inputs, outputs: outputs)
  }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  // MARK: Definition

  /// For each image the numbers under all elements of the window, then sums of their products.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [
      outputs[0].type == .float64
        ? convolved(inputs, to: outputs[0].shape, as: Double.self)
        : convolved(inputs, to: outputs[0].shape, as: Float.self)
    ]
  }

  private func convolved<Real: BinaryFloatingPoint & TensorElement>(
    _ inputs: [Tensor], to shape: Shape, as type: Real.Type
  ) -> Tensor {
    let numbers = inputs.map { $0.known(as: type) }
    let (image, places, taps) = (inputs[0].shape, shape[2] * shape[3], window.elementCount)
    let (own, rows) = (image[1] / groups, shape[1] / groups)
    var result = [Real](repeating: 0, count: shape.elementCount)
    for batch in 0..<image[0] {
      let read = columns(batch, numbers, image, shape)
      for output in 0..<shape[1] {
        let to = (batch * shape[1] + output) * places
        for column in 0..<own * taps {
          let weight = numbers[1][output * own * taps + column]
          let from = (output / rows * own * taps + column) * places
          for place in 0..<places { result[to + place] += weight * read[from + place] }
        }
      }
    }
    return Tensor(known: shape, result)
  }

  /// The numbers of an image that the elements of the window read: channels × elements × places.
  private func columns<Real: BinaryFloatingPoint & TensorElement>(
    _ batch: Int, _ numbers: [[Real]], _ image: Shape, _ output: Shape
  ) -> [Real] {
    let (height, width, places) = (image[2], image[3], output[2] * output[3])
    let (taps, shared) = (window.elementCount, image[1] / offsetGroups)
    let padding = window.resolvedPadding(for: [height, width])
    var result = [Real](repeating: 0, count: image[1] * taps * places)
    for group in 0..<offsetGroups {
      for tap in 0..<taps {
        let (tapRow, tapColumn) = tap.quotientAndRemainder(dividingBy: window.kernel[1])
        let element = (batch * offsetGroups + group) * taps + tap
        for place in 0..<places {
          let (row, column) = place.quotientAndRemainder(dividingBy: output[3])
          let factor = numbers.count > 3 ? numbers[3][element * places + place] : 1
          let y =
            Real(row * window.stride[0] + tapRow * window.dilation[0] - padding[0].before)
            + numbers[2][element * 2 * places + place]
          let x =
            Real(column * window.stride[1] + tapColumn * window.dilation[1] - padding[1].before)
            + numbers[2][(element * 2 + 1) * places + place]
          // Also false for what is not a number.
          guard y > -1, y < Real(height), x > -1, x < Real(width) else { continue }
          let (top, left) = (Int(y.rounded(.down)), Int(x.rounded(.down)))
          let (down, right) = (y - Real(top), x - Real(left))
          for (pixelRow, rowWeight) in [(top, 1 - down), (top + 1, down)]
          where 0..<height ~= pixelRow {
            for (pixelColumn, columnWeight) in [(left, 1 - right), (left + 1, right)]
            where 0..<width ~= pixelColumn {
              let weight = factor * rowWeight * columnWeight
              for channel in group * shared..<(group + 1) * shared {
                let plane = (batch * image[1] + channel) * height
                result[(channel * taps + tap) * places + place] +=
                  weight * numbers[0][(plane + pixelRow) * width + pixelColumn]
              }
            }
          }
        }
      }
    }
    return result
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each output may depend on any pixels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: false)
  }

  // MARK: Glyph

  /// `3×3 deformed`.
  public var glyph: Glyph { Glyph("\(window.label) deformed", .convolution) }
}
