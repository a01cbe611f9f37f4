extension StringProtocol {
  /// The text as one line of a terminal: names come from files, and may contain anything.
  ///
  /// What a terminal acts on, and what turns the direction of writing or cannot be seen, is written as in Swift:
  /// `\n`, `\t`, `\u{1B}`.
  var escaped: String { escaped(keeping: []) }

  /// The text without what a terminal acts on but for line ends.
  var escapedLines: String { escaped(keeping: ["\n"]) }

  private func escaped(keeping kept: Set<Unicode.Scalar>) -> String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case _ where !scalar.isUnfitForTerminals || kept.contains(scalar):
        result.unicodeScalars.append(scalar)
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default: result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      }
    }
    return result
  }
}

extension Unicode.Scalar {
  /// Control characters, ends of lines, and marks of format, but for the two that join letters and emoji.
  fileprivate var isUnfitForTerminals: Bool {
    if isASCII { return value < 0x20 || value == 0x7F }
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: return true
    case .format: return value != 0x200C && value != 0x200D
    default: return false
    }
  }
}
