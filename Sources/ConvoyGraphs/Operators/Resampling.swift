public import ConvoyTensors

// MARK: Attributes

/// A tensor with another extent along one dimension, whose positions are interpolated from those
/// there were.
///
/// Input: a tensor; of any type for the nearest position, else of floats. Output: the same with
/// another extent. It is what `Resize` does along one dimension, in all forms that ONNX has.
///
/// Source: ONNX, `Resize`; coordinates are those of `Resize.Coordinates`.
public struct Resampling: TypedOperator {
  /// How a number between positions is interpolated.
  public enum Filter: Hashable, Sendable, Codable {
    /// The nearest position.
    case nearest(Resize.Rounding)
    /// Linear between two positions.
    case linear
    /// A cubic convolution of four positions, with the derivative that Keys calls *a*.
    ///
    /// Source: Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981.
    case cubic(Float)

    /// The distance from which on positions do not count.
    fileprivate var support: Double {
      switch self {
      case .nearest: 0.5
      case .linear: 1
      case .cubic: 2
      }
    }

    /// The weight of a position at a distance.
    func weight(_ distance: Double) -> Double {
      let x = abs(distance)
      guard case .cubic(let coefficient) = self else { return max(0, 1 - x) }
      let a = Double(coefficient)
      if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0
    }
  }

  /// A part of the dimension that becomes the whole output, in fractions of the extent − 1, and the
  /// number outside the dimension.
  public struct Crop: Hashable, Sendable, Codable {
    /// Where the part begins.
    public var start: Float
    /// Where it ends.
    public var end: Float
    /// The number of positions outside the dimension.
    public var outside: Float

    /// Describes a part.
    public init(start: Float, end: Float, outside: Float) {
      (self.start, self.end, self.outside) = (start, end, outside)
    }
  }

  /// See `Operator.name`.
  public static let name = "resampling"
  /// The dimension.
  public var dimension: Int
  /// The output's extent.
  public var extent: Int
  /// The scale of output over input.
  public var scale: Float
  /// How a number between positions is interpolated.
  public var filter: Filter
  /// The coordinates of output positions; they are not asked for where there is a crop.
  public var coordinates: Resize.Coordinates
  /// The part that becomes the output; nil for the whole.
  public var crop: Crop?
  /// Whether a filter is stretched where the output is smaller, so that every position counts.
  public var isAntialiased: Bool
  /// Whether positions outside the dimension do not count; else the outermost is repeated.
  public var excludesOutside: Bool

  /// Describes a resampling.
  public init(
    dimension: Int, to extent: Int, scale: Float, _ filter: Filter,
    coordinates: Resize.Coordinates = .halfPixel, crop: Crop? = nil, isAntialiased: Bool = false,
    excludesOutside: Bool = false
  ) {
    (self.dimension, self.extent, self.scale) = (dimension, extent, scale)
    (self.filter, self.coordinates, self.crop) = (filter, coordinates, crop)
    (self.isAntialiased, self.excludesOutside) = (isAntialiased, excludesOutside)
  }

  // MARK: Shape and type

  /// The input's shape with the new extent.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    var extents = inputs[0].dimensions
    guard extents.indices.contains(dimension) else {
      throw ConvoyError(.attribute, "expected a dimension of \(inputs[0]), got \(dimension)")
    }
    // Rounded down, up, or to the nearest.
    let scaled = Double(scale) * Double(extents[dimension])
    guard scaled >= 0.5, abs(scaled - Double(extent)) <= 1 + 1e-5 * Double(extent) else {
      throw ConvoyError(
        .attribute,
        "expected a scale that makes \(extent) of \(extents[dimension]) positions, got \(scale)")
    }
    if let crop, !crop.start.isFinite || !crop.end.isFinite {
      throw ConvoyError(
        .attribute, "expected a finite part, got \(crop.start) to \(crop.end)")
    }
    extents[dimension] = extent
    return [try Shape(validating: extents)]
  }

  /// Any type, which is kept, where numbers only move.
  public var types: TypeRule { isNearest ? .anyKept : .float32 }

  private var isNearest: Bool { if case .nearest = filter { true } else { false } }

  // MARK: Gradient

  /// None: networks are trained with `Resize`.
  public func gradients(at site: GradientSite) -> [Value?] { [nil] }

  // MARK: Definition

  /// Loops over the positions before the dimension, in it and after it.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let input = inputs[0]
    let taps = (0..<extent).map { self.taps(at: $0, of: input.shape[dimension]) }
    let line = Line(
      inner: input.shape.dimensions.dropFirst(dimension + 1).reduce(1, *),
      extent: input.shape[dimension], input: input, shape: outputs[0].shape, taps: taps,
      outside: Double(crop?.outside ?? 0))
    if isNearest { return [input.type.apply(line)] }
    return [
      input.type == .float64
        ? line.interpolated(as: Double.self) : line.interpolated(as: Float.self)
    ]
  }

  /// A position of the input and its weight.
  private struct Tap {
    let position: Int
    let weight: Double
  }

  /// What an output position is interpolated from; nothing outside the dimension.
  private func taps(at x: Int, of count: Int) -> [Tap] {
    let coordinate: Float
    if let crop {
      let span = Float(count - 1)
      coordinate =
        extent > 1
        ? crop.start * span + Float(x) * (crop.end - crop.start) * span / Float(extent - 1)
        : 0.5 * (crop.start + crop.end) * span
      guard coordinate >= 0, coordinate <= span else { return [] }
    } else {
      coordinate = coordinates.coordinate(Float(x), from: count, to: extent, scale: scale)
    }
    if case .nearest(let rounding) = filter {
      let nearest = min(max(rounding.rounded(coordinate), 0), Float(count - 1))
      return [Tap(position: Int(nearest), weight: 1)]
    }
    let stretch = isAntialiased ? max(1, 1 / Double(scale)) : 1
    let center = Double(coordinate)
    let first = Int((center - filter.support * stretch).rounded(.up))
    let last = Int((center + filter.support * stretch).rounded(.down))
    var weights: [Int: Double] = [:]
    for position in first...max(first, last) {
      let inside = min(max(position, 0), count - 1)
      if excludesOutside, inside != position { continue }
      weights[inside, default: 0] += filter.weight((Double(position) - center) / stretch)
    }
    let isScaled = isAntialiased || excludesOutside
    let sum = isScaled ? weights.values.reduce(0, +) : 1
    return weights.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map {
      Tap(position: $0.key, weight: $0.value / (sum == 0 ? 1 : sum))
    }
  }

  /// The loops of a definition.
  private struct Line: TypedFunction {
    /// The number of elements at each position of the dimension.
    let inner: Int
    /// The input's extent.
    let extent: Int
    let input: Tensor
    let shape: Shape
    let taps: [[Tap]]
    let outside: Double

    /// The nearest positions.
    func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> Tensor {
      let elements = input.known(as: type)
      var result: [Element] = []
      result.reserveCapacity(shape.elementCount)
      for outer in 0..<elements.count / (extent * inner) {
        for tap in taps {
          guard let position = tap.first?.position else {
            result += repeatElement(Element(converting: outside), count: inner)
            continue
          }
          let start = (outer * extent + position) * inner
          result += elements[start..<start + inner]
        }
      }
      return Tensor(known: shape, result)
    }

    /// Sums of weighted positions.
    func interpolated<Real: BinaryFloatingPoint & TensorElement>(as type: Real.Type) -> Tensor {
      let elements = input.known(as: type)
      let sums = taps.map { $0.map { (start: $0.position * inner, weight: Real($0.weight)) } }
      var result = [Real](repeating: 0, count: shape.elementCount)
      result.withUnsafeMutableBufferPointer { result in
        elements.withUnsafeBufferPointer { elements in
          for outer in 0..<elements.count / (extent * inner) {
            let from = outer * extent * inner
            for (x, sum) in sums.enumerated() {
              let to = (outer * sums.count + x) * inner
              if sum.isEmpty {
                for i in to..<to + inner { result[i] = Real(outside) }
              }
              for (start, weight) in sum {
                for i in 0..<inner { result[to + i] += weight * elements[from + start + i] }
              }
            }
          }
        }
      }
      return Tensor(known: shape, result)
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Positions along one dimension are mixed; ranks exchange 32-bit floats only.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([dimension], isNearest ? .moves : .computes, hasBoundedReference: !isAntialiased)
  }

  // MARK: Glyph

  /// `resize`.
  public var glyph: Glyph { Glyph("resize", .arrangement) }
}
