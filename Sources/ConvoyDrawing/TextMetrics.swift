/// The widths of texts, without a font.
///
/// The widths are those of Helvetica, which Arial and Liberation Sans share. Characters that are
/// not in the table have the width of a wide letter, so that estimates are too large rather than
/// too small.
enum TextMetrics {
  /// The font families of all texts.
  static let family = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"

  /// In thousandths of the font size, for the characters from space to tilde.
  private static let ascii: [Double] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
  ]

  private static func width(of scalar: Unicode.Scalar) -> Double {
    let value = Int(scalar.value)
    if (32..<127).contains(value) { return ascii[value - 32] }
    switch scalar {
    case "×", "−", "÷", "±", "∗": return 584
    case "·", "∕": return 333
    case "–": return 556
    case "…", "—", "→": return 1000
    default:
      if (0x300...0x36F).contains(value) { return 0 }
      if value < 0x250 { return 667 }
      return value < 0x1100 ? 722 : 1000
    }
  }

  /// The width of a line of text.
  static func width(_ text: String, size: Double, bold: Bool = false) -> Double {
    let sum = text.unicodeScalars.reduce(0) { $0 + width(of: $1) }
    return sum * size * (bold ? 1.08 : 1) / 1000
  }

  /// A text that fits a width: unchanged, or smaller down to a size, or with its middle replaced by
  /// an ellipsis.
  ///
  /// - Returns: the text and its size; an empty text if not even one letter fits.
  static func fitted(
    _ text: String, into width: Double, size: Double, smallest: Double = 8, bold: Bool = false
  ) -> (text: String, size: Double) {
    let natural = self.width(text, size: size, bold: bold)
    if natural <= width { return (text, size) }
    let shrunk = size * width / natural
    // Rounded down to tenths.
    if shrunk >= smallest { return (text, (shrunk * 10).rounded(.down) / 10) }
    let characters = Array(text)
    var kept = characters.count - 1
    while kept > 0 {
      let (head, tail) = (characters.prefix(kept - kept / 2), characters.suffix(kept / 2))
      let short = String(head) + "…" + String(tail)
      if self.width(short, size: smallest, bold: bold) <= width { return (short, smallest) }
      kept -= kept > 64 ? kept / 16 : 1
    }
    return ("", smallest)
  }

  /// Breaks words into lines; a word that is wider than a line has a line of its own.
  static func wrapped(_ words: [String], width: Double, size: Double) -> [String] {
    var lines: [String] = []
    for word in words {
      if let last = lines.last, self.width(last + " " + word, size: size) <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(word)
      }
    }
    return lines
  }
}

/// The alignment of a text relative to its point.
enum Anchor: String, Sendable {
  case start, middle, end
}

extension Element {
  /// A line of text, vertically centred on the point, no wider than `width`.
  static func text(
    _ text: String, _ point: Point, size: Double = 13, _ tone: Tone = .ink,
    anchor: Anchor = .start, bold: Bool = false, italic: Bool = false,
    fitting width: Double = .infinity, smallest: Double = 8
  ) -> Element {
    let plain = String(text.prefix(2000))
    let (shown, size) =
      width.isFinite
      ? TextMetrics.fitted(plain, into: width, size: size, smallest: smallest, bold: bold)
      : (plain, size)
    let extent = TextMetrics.width(shown, size: size, bold: bold)
    let left =
      switch anchor {
      case .start: point.x
      case .middle: point.x - extent / 2
      case .end: point.x - extent
      }
    // Centred by the height of capitals, 0.72 of the size.
    let baseline = point.y + 0.36 * size
    var element = Element(name: "text", fill: tone, text: shown)
    element.attributes = [
      ("x", SVGNumber.text(point.x)), ("y", SVGNumber.text(baseline)),
      ("font-size", SVGNumber.text(size)),
    ]
    if anchor != .start { element.attributes.append(("text-anchor", anchor.rawValue)) }
    if bold { element.attributes.append(("font-weight", "bold")) }
    if italic { element.attributes.append(("font-style", "italic")) }
    element.bounds = Box(left, baseline - 0.76 * size, extent, 0.98 * size)
    return element
  }

  /// A line of text that is read from bottom to top, centred on the point.
  static func uprightText(_ text: String, _ point: Point, size: Double, _ tone: Tone) -> Element {
    let extent = TextMetrics.width(text, size: size)
    var element = Element.text(text, point, size: size, tone, anchor: .middle)
    let (x, y) = (SVGNumber.text(point.x), SVGNumber.text(point.y))
    element.attributes.append(("transform", "rotate(-90 \(x) \(y))"))
    element.bounds = Box(point.x - 0.5 * size, point.y - extent / 2, size, extent)
    return element
  }
}
