public import ConvoyTensors

// MARK: Attributes

/// The maximum or mean of each window of an image, channel by channel.
///
/// Input: an image [B, C, …]. Output: [B, C, …], with spatial extents of 1 when there is no window.
/// Padding never affects a maximum: only the image's own elements are compared. Of a window that
/// holds none of them, the maximum is the least finite 32-bit float and the mean is 0, as ONNX
/// Runtime has it.
public struct Pooling: Operator {
  /// How the numbers of a window are reduced.
  public enum Function: Hashable, Sendable, Codable {
    /// The maximum.
    case maximum
    /// The sum divided by the number of the window's elements in the image; if `countsPadding`, by
    /// the number of its elements in the padded image, which is smaller than the window only where
    /// a window that was added by rounding up extends beyond the padding (as PyTorch and ONNX
    /// define it).
    case average(countsPadding: Bool)
  }

  /// See `Operator.name`.
  public static let name = "pooling"
  /// How the numbers of a window are reduced.
  public var function: Function
  /// The window; nil for global pooling.
  public var window: Window?

  /// A pooling; without a window, of the whole image.
  public init(_ function: Function, window: Window?) {
    self.function = function
    self.window = window
  }

  // MARK: Shape

  /// See `Operator.outputShapes(for:)`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    let image = inputs[0]
    guard (3...5).contains(image.rank) else {
      throw ConvoyError(
        .shape,
        "expected an image of shape batch×channels×extents, with at most 3 extents, got \(image)")
    }
    let spatial = Array(image.dimensions.dropFirst(2))
    guard let window else {
      return [Shape([image[0], image[1]] + spatial.map { _ in 1 })]
    }
    let output = try window.outputExtents(for: spatial)
    return [try Shape(validating: [image[0], image[1]] + output)]
  }

  // MARK: Gradient

  /// A separate operator: the output's gradient goes to the first of the largest elements, or to
  /// all elements of a window.
  public func gradients(at site: GradientSite) -> [Value?] {
    [site.inputs[0].applying(PoolingGradient(pooling: self), [site.outputGradient])]
  }

  // MARK: Reference

  /// Nested loops over outputs and the window.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let image = inputs[0]
    var result = ReferenceTensor(outputs[0])
    for position in outputs[0].indices {
      let read = elements(under: position, of: image)
      switch function {
      case .maximum:
        let largest = Pooling.firstLargest(of: read.positions, in: image)
        result[position] = largest.map { image[$0] } ?? -Double(Float.greatestFiniteMagnitude)
      case .average:
        result[position] = read.positions.reduce(0) { $0 + image[$1] } / read.divisor
      }
    }
    return [result]
  }

  /// The positions of the image that one output reads, in row-major order, and the divisor of an
  /// average's sum.
  func elements(
    under output: [Int], of image: ReferenceTensor
  ) -> (positions: [[Int]], divisor: Double) {
    let spatial = Array(image.shape.dimensions.dropFirst(2))
    let window = self.window ?? Window(kernel: spatial)
    let padding = window.resolvedPadding(for: spatial)
    var positions: [[Int]] = []
    var paddedCount = 0
    for element in Shape(window.kernel).indices {
      let source = window.inputPosition(
        output: Array(output.dropFirst(2)), element: element, padding: padding)
      let isInPaddedImage = source.indices.allSatisfy {
        source[$0] < spatial[$0] + padding[$0].after
      }
      if isInPaddedImage { paddedCount += 1 }
      let position = Array(output.prefix(2)) + source
      if image.element(at: position) != nil { positions.append(position) }
    }
    let countsPadding = function == .average(countsPadding: true)
    return (positions, Double(max(1, countsPadding ? paddedCount : positions.count)))
  }

  /// The first of some positions at which a tensor is largest; nil without positions.
  static func firstLargest(of positions: [[Int]], in tensor: ReferenceTensor) -> [Int]? {
    guard var best = positions.first else { return nil }
    for position in positions where tensor[position] > tensor[best] { best = position }
    return best
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each channel separately, over the pixels of a window.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing(2..<inputs[0].rank, .computes, hasBoundedReference: false)
  }

  // MARK: Glyph

  /// `max 3×3 s2`, `global mean`.
  public var glyph: Glyph { Glyph(label, .pooling) }

  var label: String {
    let word = function == .maximum ? "max" : "mean"
    return window.map { "\(word) \($0.label)" } ?? "global \(word)"
  }
}

// MARK: Building

extension Value {
  /// The maximum of each window.
  ///
  /// - Parameters:
  ///   - kernel: the window's extents, one for each spatial dimension or one for all.
  ///   - stride: the stride of the window; by default its own extents.
  ///   - roundsUp: whether the last window may extend beyond the end, so that no element is left
  ///     out.
  public func maxPooling(
    _ kernel: any SpatialExtents, stride: (any SpatialExtents)? = nil, padding: Padding = 0,
    dilation: any SpatialExtents = 1, roundsUp: Bool = false, name: String? = nil
  ) -> Value {
    layer(name, kind: Pooling.name) { name throws(ConvoyError) in
      let window = try slidingWindow(
        kernel: kernel, stride: stride ?? kernel, dilation: dilation, padding: padding,
        roundsUp: roundsUp)
      return applying(Pooling(.maximum, window: window), name: name)
    }
  }

  /// The mean of each window.
  ///
  /// - Parameters:
  ///   - kernel: the window's extents, one for each spatial dimension or one for all.
  ///   - stride: the stride of the window; by default its own extents.
  ///   - roundsUp: whether the last window may extend beyond the end, so that no element is left
  ///     out.
  ///   - countsPadding: whether the divisor includes the padding's zeros.
  public func averagePooling(
    _ kernel: any SpatialExtents, stride: (any SpatialExtents)? = nil, padding: Padding = 0,
    dilation: any SpatialExtents = 1, roundsUp: Bool = false, countsPadding: Bool = true,
    name: String? = nil
  ) -> Value {
    layer(name, kind: Pooling.name) { name throws(ConvoyError) in
      let window = try slidingWindow(
        kernel: kernel, stride: stride ?? kernel, dilation: dilation, padding: padding,
        roundsUp: roundsUp)
      return applying(Pooling(.average(countsPadding: countsPadding), window: window), name: name)
    }
  }

  /// The mean of each channel's map: [B, C, …] to [B, C, 1, …].
  public func globalAveragePooling(name: String? = nil) -> Value {
    globalPooling(.average(countsPadding: true), name)
  }

  /// The maximum of each channel's map: [B, C, …] to [B, C, 1, …].
  public func globalMaxPooling(name: String? = nil) -> Value { globalPooling(.maximum, name) }

  private func globalPooling(_ function: Pooling.Function, _ name: String?) -> Value {
    applying(
      Pooling(function, window: nil), name: builder.layerName(name, kind: Pooling.name))
  }
}
