import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let paddings: [String: Importing] = ["Pad": single(pad)]

  private static func pad(_ site: ImportSite) throws(ConvoyError) -> Value {
    var value = try site.value(0)
    let (before, after) = try site.padding(of: value.shape.rank)
    // Negative padding cuts.
    for axis in before.indices where before[axis] < 0 || after[axis] < 0 {
      let (first, last) = (max(0, -before[axis]), value.shape[axis] - max(0, -after[axis]))
      guard first < last else { throw .refused("its negative pads leave no elements") }
      value = value.sliced(first..<last, dimension: axis)
    }
    let added = (before: before.map { max($0, 0) }, after: after.map { max($0, 0) })
    let mode = try site.attributes.string("mode", default: "constant")
    if mode == "constant" { return try site.padded(value, added.before, added.after) }
    for axis in before.indices where added.before[axis] + added.after[axis] > 0 {
      let positions = try Conversions.positions(
        mode, extent: value.shape[axis], before: added.before[axis], after: added.after[axis])
      value = try site.taking(positions, of: value, dimension: axis)
    }
    return value
  }

  /// What reflecting, repeating or wrapping padding takes of a dimension.
  private static func positions(
    _ mode: String, extent: Int, before: Int, after: Int
  ) throws(ConvoyError) -> [Int] {
    guard before <= 1 << 16, after <= 1 << 16, extent <= 1 << 20 else {
      throw .refused("its padding is out of range")
    }
    func remainder(_ a: Int, _ b: Int) -> Int { (a % b + b) % b }
    let range = -before..<extent + after
    switch mode {
    case "edge": return range.map { min(max($0, 0), extent - 1) }
    case "wrap": return range.map { remainder($0, extent) }
    case "reflect":
      // To and fro, without a second time at the ends.
      let period = max(1, 2 * (extent - 1))
      return range.map { position in
        let place = remainder(position, period)
        return min(place, period - place)
      }
    default: throw .refused("the mode ‘\(mode)’ is not known")
    }
  }
}

extension ImportSite {
  /// How many elements are added before and after, for each dimension.
  fileprivate func padding(of rank: Int) throws(ConvoyError) -> (before: [Int], after: [Int]) {
    let name = opset < 2 ? "paddings" : "pads"
    let pads = try opset >= 11 ? constant(1).integers() : attributes.integers(name) ?? []
    var axes = Array(0..<rank)
    if let given = try integers(3) {
      axes = try given.map { axis throws(ConvoyError) in try dimension(axis, ofRank: rank) }
    }
    guard pads.count == 2 * axes.count, Set(axes).count == axes.count else {
      throw .refused("\(2 * axes.count) pads are expected, got \(pads.count)")
    }
    guard pads.allSatisfy({ abs(Double($0)) <= Double(1 << 40) }) else {
      throw .refused("its pads are out of range")
    }
    var (before, after) = (Array(repeating: 0, count: rank), Array(repeating: 0, count: rank))
    for (index, axis) in axes.enumerated() {
      (before[axis], after[axis]) = (pads[index], pads[axes.count + index])
    }
    return (before, after)
  }

  /// A value padded with the third input's number, 0 if it is left out.
  fileprivate func padded(
    _ value: Value, _ before: [Int], _ after: [Int]
  ) throws(ConvoyError) -> Value {
    if opset < 11 || !has(2) {
      let number = try opset < 11 ? attributes.float("value", default: 0) : 0
      return apply(Pad(before: before, after: after, value: number), [value])
    }
    if let number = try knownConstant(2)?.number(),
      number.magnitude <= 0x1p24 || value.type == .float32
    {
      return apply(Pad(before: before, after: after, value: number), [value])
    }
    // Large integers may be no floats, and a number may be computed: it stands where no element is.
    let number = try self.value(2).reshaped([])
    let one = builder.constant(Tensor(scalar: true))
    let isInside = one.applying(Repetition(to: value.shape)).padded(before: before, after: after)
    return apply(Selection(), [value.padded(before: before, after: after), number, isInside])
  }
}

// MARK: Export

extension Pad: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    let number = Tensor([], repeating: value).converted(to: site.inputTypes[0])
    site.finish(
      "Pad",
      site.inputs + [site.integers(before + after, "pads"), site.constant(number, "value")])
  }
}
