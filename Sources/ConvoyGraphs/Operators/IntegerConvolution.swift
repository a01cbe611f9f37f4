public import ConvoyTensors

// MARK: Attributes

/// The convolution of an image of 8-bit integers, summed in 32 bits.
///
/// Inputs: an image [B, C, …], weights [O, C∕G, k…], and optionally the integers that stand for 0
/// in each, which are broadcast to it. All have 8 bits, with or without sign. Output: [B, O, …] of
/// type int32: the sums of products of differences from these zero points. Padding stands for 0.
/// Sums that overflow wrap around.
///
/// Source: ONNX, `ConvInteger`.
public struct IntegerConvolution: TypedOperator {
  /// See `Operator.name`.
  public static let name = "integerConvolution"
  /// The window over the image.
  public var window: Window
  /// The number of groups that the channels are divided into.
  public var groups: Int

  /// Describes a convolution of integers.
  public init(_ window: Window, groups: Int = 1) {
    self.window = window
    self.groups = groups
  }

  // MARK: Shape and type

  /// As that of `Convolution`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...4)
    for (zeroPoints, operand) in zip(inputs.dropFirst(2), inputs) {
      try operand.validate(zeroPoints: zeroPoints)
    }
    return try Convolution(window, groups: groups).outputShapes(for: Array(inputs.prefix(2)))
  }

  /// Integers of 8 bits become integers of 32 bits.
  public var types: TypeRule { TypeRule([[.int8, .uint8]], outputs: [.int32]) }

  // MARK: Cost

  /// As that of `Convolution`.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    Convolution(window, groups: groups).multiplyAdds(inputs: inputs, outputs: outputs)
  }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  // MARK: Definition

  /// Loops over images, outputs, weights and the rows of an output.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let (image, weights, output) = (inputs[0].shape, inputs[1].shape, outputs[0].shape)
    let frame = PaddedFrame(window, image: image.pixels, output: output.pixels)
    let pixels = inputs.differences(0)
    let factors = inputs.differences(1)
    let (channels, taps) = (weights[1], frame.taps.count)
    let (plane, width) = (output.pixels.elementCount, output.dimensions.last ?? 1)
    let step = window.stride.last ?? 1
    var result = [Int32](repeating: 0, count: output.elementCount)
    for batch in 0..<image[0] {
      let padded = (0..<image[1]).map { channel in
        frame.padded(pixels, from: (batch * image[1] + channel) * image.pixels.elementCount)
      }
      for row in 0..<output[1] {
        let group = row / (output[1] / groups)
        let start = (batch * output[1] + row) * plane
        result.withUnsafeMutableBufferPointer { result in
          for channel in 0..<channels {
            padded[group * channels + channel].withUnsafeBufferPointer { pixels in
              for (tap, offset) in frame.taps.enumerated() {
                let factor = factors[(row * channels + channel) * taps + tap]
                for (line, first) in frame.rows.enumerated() {
                  let (from, to) = (first + offset, start + line * width)
                  for x in 0..<width { result[to + x] &+= factor &* pixels[from + x * step] }
                }
              }
            }
          }
        }
      }
    }
    return [Tensor(known: output, result)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each output depends on its group and its window.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `3×3 g32 int8`.
  public var glyph: Glyph {
    Glyph("\(window.label)\(groups > 1 ? " g\(groups)" : "") int8", .convolution)
  }
}

/// The places that a convolution reads in a plane of pixels with its padding written out.
private struct PaddedFrame {
  /// The extents with padding.
  private let extents: Shape
  /// Where each row of the image begins.
  private let imageRows: [Int]
  private let imageWidth: Int
  /// The distance of each element of the kernel from the first.
  let taps: [Int]
  /// Where the window of the first output of each row begins.
  let rows: [Int]

  init(_ window: Window, image: Shape, output: Shape) {
    let padding = window.resolvedPadding(for: image.dimensions)
    extents = Shape(
      image.dimensions.indices.map { d in
        // A window that was added by rounding up may extend beyond the padding.
        max(
          image[d] + padding[d].before + padding[d].after,
          (output[d] - 1) * window.stride[d] + window.span(d))
      })
    let strides = extents.strides
    let start = zip(padding, strides).reduce(0) { $0 + $1.0.before * $1.1 }
    imageRows = Shape(image.dimensions.dropLast()).walked(by: strides.dropLast()).map { $0 + start }
    imageWidth = image.dimensions.last ?? 1
    taps = Shape(window.kernel).walked(by: zip(window.dilation, strides).map { $0 * $1 })
    rows = Shape(output.dimensions.dropLast()).walked(
      by: zip(window.stride, strides).map { $0 * $1 }.dropLast())
  }

  /// A plane with its padding.
  func padded(_ pixels: [Int32], from start: Int) -> [Int32] {
    var result = [Int32](repeating: 0, count: extents.elementCount)
    for (row, place) in imageRows.enumerated() {
      let first = start + row * imageWidth
      result.replaceSubrange(place..<place + imageWidth, with: pixels[first..<first + imageWidth])
    }
    return result
  }
}
