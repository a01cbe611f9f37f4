import Convoy

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the command writes where people and programs look for it.
enum Console {
  /// Whether a person watches standard error.
  static var isInteractive: Bool { isatty(STDERR_FILENO) == 1 }

  /// Writes a sentence to standard error.
  static func error(_ sentence: String) { note("convoy: \(sentence)".escaped + "\n") }

  /// Writes lines to standard error.
  static func errorLines(_ text: String) { note(text.escapedLines + "\n") }

  /// Writes a line to standard output at once, also into a pipe.
  ///
  /// Where it cannot be written the process ends with status 1: what follows would be lost too.
  static func line(_ text: String = "") { output(text.escaped + "\n") }

  /// Writes a text of several lines to standard output; names in it are `escaped`.
  static func lines(_ text: String) { output(text.escapedLines + "\n") }

  /// Writes a text in lines of at most 80 columns, broken between words.
  ///
  /// - Parameter indent: the spaces before the first line; further lines have two more.
  static func wrapped(_ text: String, indent: Int) {
    var current = String(repeating: " ", count: indent)
    var isBegun = false
    for word in text.split(separator: " ") {
      if isBegun, current.count + 1 + word.count > 80 {
        line(current)
        current = String(repeating: " ", count: indent + 2)
        isBegun = false
      }
      current += (isBegun ? " " : "") + word
      isBegun = true
    }
    line(current)
  }

  /// Writes an object as a line of JSON to standard output.
  static func json(_ object: some Encodable) throws(ConvoyError) {
    output(try object.json() + "\n")
  }

  private static func output(_ text: String) {
    guard let code = write(text, to: STDOUT_FILENO) else { return }
    // Whoever closed the pipe wants no more, and no word about it.
    if code != EPIPE {
      error("Cannot write to standard output: \(String(cString: strerror(code))).")
    }
    exit(1)
  }

  /// Writes to standard error, beside which there is no place to complain.
  fileprivate static func note(_ text: String) { _ = write(text, to: STDERR_FILENO) }

  /// - Returns: nil, or the number of the error.
  private static func write(_ text: String, to file: Int32) -> Int32? {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { raw in
        #if canImport(Darwin)
          Darwin.write(file, raw.baseAddress, raw.count)
        #elseif canImport(Musl)
          Musl.write(file, raw.baseAddress, raw.count)
        #else
          Glibc.write(file, raw.baseAddress, raw.count)
        #endif
      }
      if count >= 0 {
        bytes = bytes.dropFirst(count)
      } else if errno == EAGAIN {
        var awaited = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
        _ = poll(&awaited, 1, -1)
      } else if errno != EINTR {
        return errno
      }
    }
    return nil
  }
}

/// A bar on standard error that shows how far some work is, where a person watches; it appears when the
/// work has taken a second.
struct ProgressBar {
  private let label: String
  private let total: Int
  private let start = ContinuousClock().now
  private var lastDrawn = ContinuousClock().now
  private var isShown = false

  init(_ label: String, total: Int) {
    self.label = label
    self.total = max(1, total)
  }

  /// Shows that so much is done, with a word on how it goes.
  mutating func update(_ done: Int, _ note: String = "") {
    let now = ContinuousClock().now
    guard Console.isInteractive, now - start > .seconds(1), now - lastDrawn > .milliseconds(80)
    else { return }
    lastDrawn = now
    isShown = true
    let width = 28
    let filled = min(width, width * done / total)
    let bar =
      String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    let percent = "\(100 * done / total) %"
    Console.note("\r\u{1B}[2K\(label) \(bar) \(percent) \(note.escaped)")
  }

  /// Takes the bar away, until it is updated again.
  mutating func clear() {
    guard isShown else { return }
    Console.note("\r\u{1B}[2K")
    isShown = false
  }
}

/// Columns of text, aligned: the first to the left, the others to the right.
struct TextTable {
  private var rows: [[String]]

  init(_ names: [String]) { rows = [names] }

  mutating func append(_ row: [String]) { rows.append(row.map(\.escaped)) }

  /// The table's lines, without spaces at their ends.
  var lines: [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let line = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + padding : padding + row[column]
      }
      .joined(separator: "  ")
      let end = line.lastIndex { $0 != " " }
      return end.map { String(line[...$0]) } ?? ""
    }
  }
}

extension Int {
  /// With commas between groups of three digits: `1,232,128`.
  var grouped: String {
    let digits = Array(String(magnitude))
    let groups = stride(from: digits.count, to: 0, by: -3).map {
      String(digits[Swift.max(0, $0 - 3)..<$0])
    }
    return (self < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
  }
}

extension Double {
  /// With a number of digits after the point.
  func text(_ digits: Int) -> String {
    guard isFinite else { return "\(self)" }
    let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
    let scaled = (self * scale).rounded()
    guard scaled.magnitude < 1e15 else { return "\(self)" }
    let whole = Int(scaled.magnitude)
    let sign = scaled < 0 ? "-" : ""
    guard digits > 0 else { return sign + "\(whole)" }
    let text = String(whole)
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    return "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
  }

  /// A part of 1 as a percentage: `98.6 %`.
  var percent: String { (self * 100).text(1) + " %" }
}
