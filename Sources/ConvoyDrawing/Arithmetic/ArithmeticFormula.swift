/// The sum of the current step, below the grids: its formula and its numbers.
struct ArithmeticFormula {
  /// A line of the formula, and the input channel it belongs to.
  struct Line {
    var text: String
    var channel: Int?
    var isResult = false
  }

  var lines: [Line]

  /// - Parameter width: the largest width of a line.
  init(_ step: ArithmeticStep, of parameters: ArithmeticParameters, width: Double, size: Double) {
    lines = []
    let channels = Array(Set(step.terms.map(\.channel))).sorted()
    let result = ArithmeticFormula.text(step.result)
    for channel in channels {
      let terms = step.terms.filter { $0.channel == channel }
      var words = ArithmeticFormula.words(terms, parameters.operation)
      if let first = words.first, !lines.isEmpty { words[0] = "+ " + first }
      for line in TextMetrics.wrapped(words, width: width, size: size) {
        lines.append(Line(text: line, channel: channel))
      }
    }
    let ending =
      switch parameters.operation {
      case .average:
        " ∕ \(step.terms.count) " + (ArithmeticFormula.isExact(step.result) ? "= " : "≈ ") + result
      default: " = " + result
      }
    let last = lines.count - 1
    if last >= 0,
      TextMetrics.width(lines[last].text + ending, size: size, bold: true) <= width
    {
      lines[last].text += ending
    } else {
      lines.append(Line(text: String(ending.dropFirst()), channel: nil))
    }
  }

  private static func words(
    _ terms: [ArithmeticStep.Term], _ operation: ArithmeticParameters.Operation
  ) -> [String] {
    let last = terms.count - 1
    switch operation {
    case .maximum:
      // Padding is never a maximum, and is not read.
      let read = terms.filter { !$0.isPadding }
      return read.enumerated().map { index, term in
        (index == 0 ? "max(" : "") + text(term.value) + (index == read.count - 1 ? ")" : ",")
      }
    case .average:
      return terms.enumerated().map { index, term in
        (index == 0 ? "(" : "+ ") + text(term.value) + (index == last ? ")" : "")
      }
    case .convolution, .transposed:
      return terms.enumerated().map { index, term in
        let weight = term.weight ?? 1
        let factor = weight < 0 ? "(\(text(weight)))" : text(weight)
        return (index == 0 ? "" : "+ ") + text(term.value) + "·" + factor
      }
    }
  }

  static func isExact(_ value: Double) -> Bool {
    (value * 100).rounded() == value * 100
  }

  /// At most two decimals, with a minus sign (U+2212).
  static func text(_ value: Double) -> String {
    let text = SVGNumber.text(value)
    return text.hasPrefix("-") ? "−" + text.dropFirst() : text
  }
}
