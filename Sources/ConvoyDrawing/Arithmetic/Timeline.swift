/// The times at which the steps of an animation are shown.
struct Timeline: Sendable {
  let steps: Int
  let secondsPerStep: Double
  /// The finished result stays for two more steps.
  var ticks: Int { steps + 2 }

  /// The time of a step, as a percentage of the animation.
  func percent(_ step: Int) -> String {
    let value = (Double(step) / Double(ticks) * 1e6).rounded()
    let (whole, rest) = Int(value).quotientAndRemainder(dividingBy: 10000)
    let digits = String(rest)
    return "\(whole)." + String(repeating: "0", count: 4 - digits.count) + digits + "%"
  }

  /// The rules of all animated elements.
  var rules: String {
    ".a{animation:\(SVGNumber.text(Double(ticks) * secondsPerStep))s step-end infinite}"
      + "@media (prefers-reduced-motion:reduce){.a{animation:none!important}}"
  }

  /// Keyframes that show something from a step on.
  func appearing(_ name: String, at step: Int) -> String {
    step == 0
      ? "@keyframes \(name){0%{opacity:1}}"
      : "@keyframes \(name){0%{opacity:0}\(percent(step)){opacity:1}}"
  }

  /// Keyframes that show something during some steps; the last steps stay visible until the end.
  func shown(_ name: String, during range: Range<Int>) -> String {
    let start = range.lowerBound == 0 ? "0%{opacity:1}" : "0%{opacity:0}"
    let middle = range.lowerBound == 0 ? "" : "\(percent(range.lowerBound)){opacity:1}"
    let end = range.upperBound == steps ? "" : "\(percent(range.upperBound)){opacity:0}"
    return "@keyframes \(name){\(start)\(middle)\(end)}"
  }
}
