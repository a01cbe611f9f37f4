/// Formats numbers for SVG.
enum SVGNumber {
  /// At most two decimals, without trailing zeros; 0 for a number that is not finite.
  static func text(_ value: Double) -> String {
    let scaled = (value * 100).rounded()
    guard scaled.isFinite, scaled.magnitude < 1e12 else { return "0" }
    let whole = Int(scaled)
    let (units, rest) = whole.magnitude.quotientAndRemainder(dividingBy: 100)
    let sign = whole < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(units)" }
    if rest % 10 == 0 { return "\(sign)\(units).\(rest / 10)" }
    return "\(sign)\(units).\(rest < 10 ? "0" : "")\(rest)"
  }
}
