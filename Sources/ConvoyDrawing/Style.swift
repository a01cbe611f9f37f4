/// Whether a picture is made for a light or a dark page.
public enum Theme: String, Sendable, CaseIterable {
  /// Dark text on white.
  case light
  /// Light text on near-black.
  case dark
  /// The reader's preference (`prefers-color-scheme`).
  case auto
}

/// A colour in sRGB.
struct Color: Hashable, Sendable {
  var red: Double
  var green: Double
  var blue: Double

  /// From `0xRRGGBB`.
  init(_ hex: Int) {
    self.init(Double(hex >> 16 & 255), Double(hex >> 8 & 255), Double(hex & 255))
  }

  /// From components of 0 to 255.
  init(_ red: Double, _ green: Double, _ blue: Double) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// A mixture with another colour, of which it has a given fraction.
  func mixed(with other: Color, _ part: Double) -> Color {
    Color(
      red + (other.red - red) * part, green + (other.green - green) * part,
      blue + (other.blue - blue) * part)
  }

  /// `#rrggbb`.
  var hex: String {
    "#"
      + [red, green, blue].map { component in
        let byte = Int(min(255, max(0, component.rounded())))
        return (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
  }
}

/// The purpose of a colour: pictures name purposes, and only this file has colours.
enum Tone: Hashable, Sendable {
  /// The background of the page.
  case paper
  /// Text and other important elements.
  case ink
  /// Secondary text.
  case muted
  /// Thin lines: grids and axes.
  case rule
  /// The background of secondary areas.
  case faint
  /// One of several series, such as groups or curves.
  case series(Int)
  /// The series' colour for areas behind text.
  case tint(Int)
  /// The series' colour between `series` and `tint`, for the current elements of an animation.
  case strong(Int)
  /// The series' colour for the shaded sides of a block.
  case shade(Int)
  /// A pattern of lines or dots over the tint, which distinguishes series without colour.
  case hatch(Int)
  /// A series in steps from the background, 0, to the full colour, `heatSteps`.
  case level(Int, Int)
  /// From −`heatSteps`, blue, through the background to `heatSteps`, vermilion. A larger magnitude
  /// is darker (on dark pages brighter), so that magnitudes are visible in a grey print.
  case heat(Int)

  static let heatSteps = 10

  /// The colours of series, from M. Okabe and K. Ito, "Color Universal Design", 2008. Neighbours in
  /// this order also differ in lightness; on dark pages, dark colours are lighter.
  private static let light = [
    0x0072B2, 0xE69F00, 0x009E73, 0xCC79A7, 0xD55E00, 0x56B4E9, 0x7A8088, 0xC9B800,
  ]
  private static let dark = [
    0x3D9FDB, 0xF0B030, 0x1FBF92, 0xDD93BC, 0xEE7A2B, 0x85CBF2, 0x9AA1AA, 0xE8DC4A,
  ]

  /// The number of different colours for series.
  static let seriesCount = light.count

  func color(isDark: Bool) -> Color {
    func base(_ index: Int) -> Color {
      Color((isDark ? Tone.dark : Tone.light)[index % Tone.seriesCount])
    }
    let paper = Color(isDark ? 0x14171C : 0xFFFFFF)
    switch self {
    case .paper: return paper
    case .ink: return Color(isDark ? 0xE9EBEE : 0x1B1E23)
    case .muted: return Color(isDark ? 0xA2ABB6 : 0x59616B)
    case .rule: return Color(isDark ? 0x454D59 : 0xC3C9D1)
    case .faint: return Color(isDark ? 0x1F242B : 0xF2F4F6)
    case .series(let index), .hatch(let index): return base(index)
    case .tint(let index): return paper.mixed(with: base(index), isDark ? 0.26 : 0.18)
    case .strong(let index): return paper.mixed(with: base(index), isDark ? 0.5 : 0.42)
    case .shade(let index): return paper.mixed(with: base(index), isDark ? 0.72 : 0.66)
    case .level(let index, let step):
      return paper.mixed(with: base(index), min(1, Double(step) / Double(Tone.heatSteps)))
    case .heat(let level):
      let part = Double(level.magnitude) / Double(Tone.heatSteps)
      return paper.mixed(with: base(level < 0 ? 0 : 4), min(1, part))
    }
  }

  fileprivate var name: String {
    switch self {
    case .paper: "paper"
    case .ink: "ink"
    case .muted: "muted"
    case .rule: "rule"
    case .faint: "faint"
    case .series(let index): "s\(index % Tone.seriesCount)"
    case .tint(let index): "t\(index % Tone.seriesCount)"
    case .strong(let index): "m\(index % Tone.seriesCount)"
    case .shade(let index): "d\(index % Tone.seriesCount)"
    case .hatch(let index): "p\(index % Tone.seriesCount)"
    case .level(let index, let step): "v\(index % Tone.seriesCount)-\(step)"
    case .heat(let level): level < 0 ? "n\(-level)" : "h\(level)"
    }
  }
}

/// A colour as a class of the style sheet.
struct ToneClass: Hashable {
  var tone: Tone
  var isStroke: Bool

  /// `f-ink`, `l-rule`.
  var name: String { (isStroke ? "l-" : "f-") + tone.name }
}

/// The style sheet of a picture: a rule for each tone that is used.
enum StyleSheet {
  /// - Parameter prefix: the prefix of classes and patterns.
  static func text(for classes: Set<ToneClass>, theme: Theme, prefix: String = "") -> String {
    func rules(isDark: Bool, _ classes: [ToneClass]) -> String {
      classes.map { use in
        "." + prefix + use.name + "{" + (use.isStroke ? "stroke:" : "fill:")
          + value(use, isDark, prefix) + "}"
      }.joined()
    }
    let sorted = classes.sorted { $0.name < $1.name }
    // The lines of a pattern have a class of their own, that of the series.
    let patterns = sorted.compactMap { use -> ToneClass? in
      guard case .hatch(let index) = use.tone else { return nil }
      return ToneClass(tone: .series(index), isStroke: true)
    }
    let all = sorted + patterns.filter { !classes.contains($0) }
    let base = rules(isDark: theme == .dark, all)
    guard theme == .auto else { return base }
    let changing = all.filter {
      if case .hatch = $0.tone { return false }
      return $0.tone.color(isDark: false) != $0.tone.color(isDark: true)
    }
    return base + "@media (prefers-color-scheme:dark){\(rules(isDark: true, changing))}"
  }

  private static func value(_ use: ToneClass, _ isDark: Bool, _ prefix: String) -> String {
    if case .hatch = use.tone { return "url(#\(prefix)\(use.tone.name))" }
    return use.tone.color(isDark: isDark).hex
  }

  /// The patterns that are used: lines in different directions, so that series can be distinguished
  /// in a grey print.
  static func patterns(for classes: Set<ToneClass>, prefix: String = "") -> String {
    let shapes = [
      "M-1 7L7 -1M1 9L9 1", "M0 4h8", "M-1 1L7 9M1 -1L9 7", "M4 0v8",
      "M0 4h8M4 0v8", "M-1 7L7 -1M1 9L9 1M-1 1L7 9M1 -1L9 7", "M4 3v2", "M1 2h3M5 6h3",
    ]
    var text = ""
    for use in classes.sorted(by: { $0.name < $1.name }) {
      guard case .hatch(let index) = use.tone else { continue }
      let line = ToneClass(tone: .series(index), isStroke: true).name
      text +=
        "<pattern id=\"\(prefix)\(use.tone.name)\" width=\"8\" height=\"8\" "
        + "patternUnits=\"userSpaceOnUse\">"
        + "<path d=\"\(shapes[index % shapes.count])\" stroke-width=\"0.8\" "
        + "stroke-opacity=\"0.7\" class=\"\(prefix)\(line)\"/></pattern>"
    }
    return text.isEmpty ? "" : "<defs>\(text)</defs>\n"
  }
}
