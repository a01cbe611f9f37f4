public import ConvoyTensors

// MARK: Attributes

/// The boxes that are kept where several of a class overlap: those of the highest scores.
///
/// Inputs: boxes [B, N, 4] and scores [B, C, N]. Output: rows of the indices of image, class and
/// box, image by image, class by class, from the highest score on; of type int64. There are as many
/// rows as there can be, B·C·min(maximum, N) or 1; those that are left over at the end are −1.
///
/// Source: ONNX, `NonMaxSuppression`.
public struct BoxSuppression: TypedOperator {
  /// See `Operator.name`.
  public static let name = "boxSuppression"
  /// How many boxes of a class may be kept in an image.
  public var maximum: Int
  /// The part that two boxes have in common of what they cover together, above which one is left out.
  public var overlap: Float
  /// The score that kept boxes are above; nil for any.
  public var leastScore: Float?
  /// Whether boxes are given as x and y of their centre, width and height; else as y and x of two
  /// opposite corners.
  public var isCentered: Bool

  /// Describes a suppression of boxes.
  public init(maximum: Int, overlap: Float, leastScore: Float?, isCentered: Bool = false) {
    (self.maximum, self.overlap) = (maximum, overlap)
    (self.leastScore, self.isCentered) = (leastScore, isCentered)
  }

  // MARK: Shape and type

  /// As many rows of three indices as there can be.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let (boxes, scores) = (inputs[0], inputs[1])
    guard boxes.rank == 3, boxes[2] == 4, scores.rank == 3, scores[0] == boxes[0],
      scores[2] == boxes[1]
    else {
      throw ConvoyError(
        .shape, "expected boxes B×N×4 and scores B×C×N, got \(boxes) and \(scores)")
    }
    let rows = scores[0] * scores[1] * min(max(maximum, 0), boxes[1])
    return [try Shape(validating: [max(rows, 1), 3])]
  }

  /// Floats become indices.
  public var types: TypeRule { TypeRule([[.float32]], outputs: [.int64]) }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil] }

  // MARK: Definition

  /// Loops over images, classes, boxes by score, and the boxes that are kept. Computed in 32-bit
  /// floats, whatever the reference's precision: what overlaps too much depends on their rounding.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let numbers = inputs[0].converted(to: .float32).known(as: Float.self)
    let scores = inputs[1].converted(to: .float32).known(as: Float.self)
    let (classes, count) = (inputs[1].shape[1], inputs[1].shape[2])
    var rows: [Int64] = []
    for image in 0..<inputs[0].shape[0] {
      let boxes = (0..<count).map { box in
        Box(numbers[(image * count + box) * 4..<(image * count + box + 1) * 4], isCentered)
      }
      for group in 0..<classes {
        let start = (image * classes + group) * count
        let own = Array(scores[start..<start + count])
        let candidates = (0..<count).filter { box in
          leastScore.map { own[box] > $0 } ?? !own[box].isNaN
        }.sorted { own[$0] == own[$1] ? $0 < $1 : own[$0] > own[$1] }
        var kept: [Int] = []
        for box in candidates where kept.count < maximum {
          if kept.contains(where: { boxes[$0].overlap(with: boxes[box]) > overlap }) { continue }
          kept.append(box)
        }
        rows += kept.flatMap { [Int64(image), Int64(group), Int64($0)] }
      }
    }
    let shape = outputs[0].shape
    rows += Array(repeating: -1, count: shape.elementCount - rows.count)
    return [Tensor(known: shape, rows)]
  }

  /// A rectangle.
  private struct Box {
    let low: (Float, Float)
    let high: (Float, Float)

    init(_ numbers: ArraySlice<Float>, _ isCentered: Bool) {
      let n = Array(numbers)
      if isCentered {
        low = (n[0] - n[2] / 2, n[1] - n[3] / 2)
        high = (n[0] + n[2] / 2, n[1] + n[3] / 2)
      } else {
        low = (min(n[0], n[2]), min(n[1], n[3]))
        high = (max(n[0], n[2]), max(n[1], n[3]))
      }
    }

    var area: Float { (high.0 - low.0) * (high.1 - low.1) }

    /// The area of the intersection over that of the union; −∞ where either is none.
    func overlap(with other: Box) -> Float {
      let width = min(high.0, other.high.0) - max(low.0, other.low.0)
      let height = min(high.1, other.high.1) - max(low.1, other.low.1)
      guard width > 0, height > 0, area > 0, other.area > 0 else { return -.infinity }
      let common = width * height
      let union = area + other.area - common
      return common > 0 && union > 0 ? common / union : -.infinity
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Any box may depend on any other.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.finds, hasBoundedReference: false)
  }

  // MARK: Glyph

  /// `boxes`.
  public var glyph: Glyph { Glyph("boxes", .reduction, word: "suppress boxes") }
}
