public import ConvoyTensors

/// One extent for all spatial dimensions (`3`), or one for each (`[3, 5]`).
public protocol SpatialExtents: Sendable {
  /// The extents for a number of spatial dimensions; the operator's shape rule checks their number.
  func extents(rank: Int) -> [Int]
}

extension Int: SpatialExtents {
  /// The same for every dimension.
  public func extents(rank: Int) -> [Int] { Array(repeating: self, count: rank) }
}

extension Array: SpatialExtents where Element == Int {
  /// The array itself.
  public func extents(rank: Int) -> [Int] { self }
}

/// The padding of an image.
public enum Padding: Hashable, Sendable, Codable, ExpressibleByIntegerLiteral {
  /// The same number of elements on every side of every spatial dimension.
  case uniform(Int)
  /// A number of elements before and after, for each spatial dimension.
  case explicit(before: [Int], after: [Int])
  /// As much as makes the output ⌈input ∕ stride⌉; an odd element goes after.
  case same

  /// No padding: the window stays within the image.
  public static let valid = Padding.uniform(0)

  /// The same number of elements on every side.
  public init(integerLiteral value: Int) { self = .uniform(value) }
}

/// A window over the spatial dimensions of an image: a convolution's or a pooling's.
public struct Window: Hashable, Sendable, Codable {
  /// The window's extents, one for each spatial dimension.
  public var kernel: [Int]
  /// The distance between the windows of neighbouring outputs.
  public var stride: [Int]
  /// The distance between neighbouring elements of a window; 1 is dense.
  public var dilation: [Int]
  /// The padding of the image.
  public var padding: Padding
  /// Whether the last window may extend beyond the end, so that no input is left out.
  public var roundsUp: Bool

  /// Describes a window.
  public init(
    kernel: [Int], stride: any SpatialExtents = 1, dilation: any SpatialExtents = 1,
    padding: Padding = 0, roundsUp: Bool = false
  ) {
    self.kernel = kernel
    self.stride = stride.extents(rank: kernel.count)
    self.dilation = dilation.extents(rank: kernel.count)
    self.padding = padding
    self.roundsUp = roundsUp
  }

  /// The number of spatial dimensions.
  public var rank: Int { kernel.count }

  /// The number of elements of a window.
  public var elementCount: Int { kernel.reduce(1, *) }

  /// The extent from the first to the last element of a window, in one dimension: (k − 1)·d + 1.
  public func span(_ dimension: Int) -> Int {
    (kernel[dimension] - 1) * dilation[dimension] + 1
  }

  /// The largest attribute that is accepted: no sum or product below overflows.
  static let largestAttribute = 1 << 20

  /// Checks that every attribute is in range and that there is one for each spatial dimension.
  public func validate(spatialRank: Int) throws(ConvoyError) {
    guard (1...3).contains(spatialRank) else {
      throw ConvoyError(
        .shape, "expected 1, 2 or 3 spatial dimensions after batch and channels, got \(spatialRank)"
      )
    }
    for (what, extents, lowest) in [
      ("kernel", kernel, 1), ("stride", stride, 1), ("dilation", dilation, 1),
    ] {
      try Window.validate(what, extents, lowest, spatialRank)
    }
    switch padding {
    case .uniform(let all): try Window.validate("padding", [all], 0, 1)
    case .explicit(let before, let after):
      try Window.validate("padding before", before, 0, spatialRank)
      try Window.validate("padding after", after, 0, spatialRank)
    case .same: break
    }
  }

  private static func validate(
    _ what: String, _ extents: [Int], _ lowest: Int, _ rank: Int
  ) throws(ConvoyError) {
    guard extents.count == rank else {
      throw ConvoyError(
        .attribute,
        "expected \(rank) \(what) extents, one a spatial dimension, got \(extents.count)")
    }
    for extent in extents where extent < lowest || extent > largestAttribute {
      throw ConvoyError(
        .attribute, "expected a \(what) from \(lowest) to \(largestAttribute), got \(extent)")
    }
  }

  /// The padding before and after each spatial dimension, for an image of these extents.
  public func resolvedPadding(for input: [Int]) -> [(before: Int, after: Int)] {
    switch padding {
    case .uniform(let all): return input.map { _ in (all, all) }
    case .explicit(let before, let after): return Array(zip(before, after))
    case .same:
      return input.indices.map { d in
        let outputs = (input[d] + stride[d] - 1) / stride[d]
        let total = max((outputs - 1) * stride[d] + span(d) - input[d], 0)
        return (total / 2, total - total / 2)
      }
    }
  }

  /// The output extents: ⌊(input + padding − span) ∕ stride⌋ + 1.
  ///
  /// If `roundsUp` is set, the division rounds up instead, but the last window still starts inside
  /// the image or the padding before it (as PyTorch, Caffe and ONNX define it).
  ///
  /// - Throws: `ConvoyError` when the window is larger than the padded image.
  func outputExtents(for input: [Int]) throws(ConvoyError) -> [Int] {
    try validate(spatialRank: input.count)
    let padding = resolvedPadding(for: input)
    var output: [Int] = []
    for d in input.indices {
      let room = input[d] + padding[d].before + padding[d].after - span(d)
      guard room >= 0 else {
        throw ConvoyError(
          .shape,
          "expected an image of at least \(span(d)) with its padding in spatial dimension \(d + 1), "
            + "got \(input[d]) + \(padding[d].before) + \(padding[d].after)")
      }
      var count = room / stride[d] + 1
      if roundsUp, room % stride[d] != 0, count * stride[d] < input[d] + padding[d].before {
        count += 1
      }
      output.append(count)
    }
    return output
  }

  /// The position that an element of a window reads, for an output's position; may be outside the
  /// image.
  func inputPosition(output: [Int], element: [Int], padding: [(before: Int, after: Int)]) -> [Int] {
    output.indices.map { d in
      output[d] * stride[d] + element[d] * dilation[d] - padding[d].before
    }
  }

  /// One product of a convolution with one channel: indices in row-major order.
  struct Product {
    /// The output it is part of.
    var output: Int
    /// The pixel of the image.
    var input: Int
    /// The element of the kernel.
    var element: Int
  }

  /// The products of a convolution with one channel, output by output: for each the elements of the
  /// kernel that read inside the image, in order.
  ///
  /// - Parameters:
  ///   - input: the image's extents.
  ///   - output: the output's extents.
  ///   - padding: the padding of each dimension.
  /// - Complexity: O(outputs · elements of the kernel) in time and memory.
  func products(
    input: Shape, output: Shape, padding: [(before: Int, after: Int)]
  ) -> [Product] {
    output.indices.enumerated().flatMap { output, position in
      Shape(kernel).indices.enumerated().compactMap { element, offset in
        let source = inputPosition(output: position, element: offset, padding: padding)
        return input.offset(of: source).map {
          Product(output: output, input: $0, element: element)
        }
      }
    }
  }

  /// `3×3`, with stride and dilation where they are not 1.
  var label: String {
    var text = kernel.map(String.init).joined(separator: "×")
    if stride.contains(where: { $0 != 1 }) { text += " s\(stride.map(String.init).uniqued())" }
    if dilation.contains(where: { $0 != 1 }) { text += " d\(dilation.map(String.init).uniqued())" }
    return text
  }
}

extension Value {
  /// The window with attributes for each spatial dimension of an image.
  ///
  /// - Throws: `ConvoyError` when the shape is no image, or an attribute is out of range.
  func slidingWindow(
    kernel: any SpatialExtents, stride: any SpatialExtents, dilation: any SpatialExtents = 1,
    padding: Padding, roundsUp: Bool = false
  ) throws(ConvoyError) -> Window {
    guard shape.rank >= 3 else {
      throw ConvoyError(
        .shape, "expected an image of shape batch×channels×extents, got \(shape)")
    }
    let window = Window(
      kernel: kernel.extents(rank: shape.rank - 2), stride: stride, dilation: dilation,
      padding: padding, roundsUp: roundsUp)
    try window.validate(spatialRank: shape.rank - 2)
    return window
  }
}

extension [String] {
  /// One element if all are the same, otherwise all of them joined.
  fileprivate func uniqued() -> String {
    Set(self).count == 1 ? self[0] : joined(separator: "×")
  }
}
