/// Numbers formatted for people.
enum Measure {
  /// `1,234,567`.
  static func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var groups: [String] = []
    var end = digits.count
    while end > 0 {
      let start = max(0, end - 3)
      groups.insert(String(digits[start..<end]), at: 0)
      end = start
    }
    return (number < 0 ? "−" : "") + groups.joined(separator: ",")
  }

  /// Three digits, with a letter for thousands, millions and so on: `1.24 M`.
  static func short(_ number: Double) -> String {
    var (value, index) = (number, 0)
    let letters = ["", " k", " M", " G", " T", " P", " E"]
    while value.magnitude >= 999.5, index < letters.count - 1 {
      value /= 1000
      index += 1
    }
    if index == 0 { return SVGNumber.text(value) }
    return rounded(value) + letters[index]
  }

  /// Three significant digits.
  static func rounded(_ value: Double) -> String {
    let size = value.magnitude
    if size >= 100 { return SVGNumber.text(value.rounded()) }
    if size >= 10 { return SVGNumber.text((value * 10).rounded() / 10) }
    return SVGNumber.text(value)
  }

  /// A product, limited to the largest `Int`.
  static func product(_ factors: [Int]) -> Int {
    factors.reduce(1) { product, factor in
      let (result, overflow) = product.multipliedReportingOverflow(by: factor)
      return overflow ? Int.max : result
    }
  }
}
