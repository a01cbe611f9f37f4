import ArgumentParser
import Convoy
import Synchronization

/// What the parser of arguments leaves unsaid: what was expected where a value is refused.
enum ArgumentMessages {
  /// Arguments with each negative number joined to the option before it: `--rate -1` as `--rate=-1`.
  ///
  /// The parser takes what begins with a dash for an option, and says that the value is missing.
  static func joiningNegativeNumbers(_ arguments: [String]) -> [String] {
    var joined: [String] = []
    for argument in arguments {
      if argument.first == "-",
        argument.dropFirst().first.map({ $0.isNumber || $0 == "." }) == true,
        let option = joined.last, option.hasPrefix("--"), option != "--", !option.contains("=")
      {
        joined[joined.count - 1] = "\(option)=\(argument)"
      } else {
        joined.append(argument)
      }
    }
    return joined
  }

  /// Notes what an argument should have been: its initialiser can but give nil.
  static func expect(_ expected: String) { lastExpected.withLock { $0 = expected } }

  private static let lastExpected = Mutex<String?>(nil)

  /// The parser's message, with what was expected where it only says that a value is invalid.
  static func completed(_ message: String) -> String {
    var lines = message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let index = lines.firstIndex(where: { $0.contains("' is invalid for '") }),
      lines[index].hasSuffix("'"), let start = lines[index].firstRange(of: "The value '"),
      let end = lines[index].firstRange(of: "' is invalid for '")
    else { return message }
    let value = String(lines[index][start.upperBound..<end.lowerBound])
    let expected = lastExpected.withLock { $0 } ?? expectation(insteadOf: value)
    lines[index] += ": expected \(expected)."
    return lines.joined(separator: "\n")
  }

  /// What is expected of a number, told from what was not taken for one.
  private static func expectation(insteadOf value: String) -> String {
    guard let number = Double(value) else { return "a number" }
    if number.rounded() != number { return "a whole number" }
    return number < 0 ? "a whole number from 0 up" : "a number that is not so large"
  }
}
