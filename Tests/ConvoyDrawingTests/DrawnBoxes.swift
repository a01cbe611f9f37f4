@testable import ConvoyDrawing

/// Where things are drawn, worked out from the text of a picture alone: nothing here knows how the
/// picture laid itself out.
extension StrictXML {
  /// The numbers in a text, with the letters between them.
  static func path(_ data: String) -> [(command: Character, numbers: [Double])] {
    var result: [(command: Character, numbers: [Double])] = []
    var number = ""
    func flush() {
      if let value = Double(number), !result.isEmpty {
        result[result.count - 1].numbers.append(value)
      }
      number = ""
    }
    for character in data {
      switch character {
      case "0"..."9", ".": number.append(character)
      case "-":
        flush()
        number = "-"
      default:
        flush()
        if character.isLetter { result.append((character, [])) }
      }
    }
    flush()
    return result
  }

  /// The points a path goes through or is pulled to.
  static func points(_ data: String) -> [Point] {
    var (points, at, start) = ([Point](), Point(0, 0), Point(0, 0))
    for (command, numbers) in path(data) {
      switch command {
      case "M", "L", "C":
        for index in stride(from: 0, to: numbers.count - 1, by: 2) {
          at = Point(numbers[index], numbers[index + 1])
          points.append(at)
        }
        if command == "M" { start = at }
      case "h": at.x += numbers.first ?? .nan
      case "v": at.y += numbers.first ?? .nan
      case "Z", "z": at = start
      default: at = Point(.nan, .nan)
      }
      points.append(at)
    }
    return points
  }

  /// The box of an element by its attributes, in its own coordinates; nil where it draws nothing.
  static func box(_ name: String, _ attributes: [String: String]) -> Box? {
    func number(_ key: String) -> Double { attributes[key].flatMap(Double.init) ?? 0 }
    let box: Box
    switch name {
    case "rect", "image":
      box = Box(number("x"), number("y"), number("width"), number("height"))
    case "circle":
      box = Box(number("cx"), number("cy"), 0, 0).grown(by: number("r"))
    case "path":
      let points = points(attributes["d"] ?? "")
      guard !points.isEmpty else { return nil }
      box = Box(around: points)
    default: return nil
    }
    return box.grown(by: number("stroke-width") / 2)
  }

  /// What a `transform` says of translation and scale.
  static func transform(_ text: String?) -> (offset: Point, scale: Double) {
    guard let text, !text.hasPrefix("rotate") else { return (Point(0, 0), 1) }
    var (offset, scale) = (Point(0, 0), 1.0)
    for part in text.split(separator: ")") {
      let halves = part.split(separator: "(")
      let numbers = halves[1].split(separator: " ").compactMap { Double($0) }
      if halves[0].contains("translate") { offset = Point(numbers[0], numbers[1]) }
      if halves[0].contains("scale") { scale = numbers[0] }
    }
    return (offset, scale)
  }

  static func moved(_ box: Box, _ frame: (offset: Point, scale: Double)) -> Box {
    Box(
      box.x * frame.scale + frame.offset.x, box.y * frame.scale + frame.offset.y,
      box.width * frame.scale, box.height * frame.scale)
  }

  /// The box of a line of text, by the widths of Helvetica.
  static func textBox(_ text: String, _ attributes: [String: String]) -> Box {
    func number(_ key: String) -> Double { attributes[key].flatMap(Double.init) ?? 0 }
    let size = number("font-size")
    let width = TextMetrics.width(text, size: size, bold: attributes["font-weight"] == "bold")
    let (x, y) = (number("x"), number("y"))
    let left =
      switch attributes["text-anchor"] {
      case "middle": x - width / 2
      case "end": x - width
      default: x
      }
    if attributes["transform"]?.hasPrefix("rotate") == true {
      return Box(x - size / 2, y - 0.36 * size - width / 2, size, width)
    }
    return Box(left, y - 0.74 * size, width, 0.95 * size)
  }
}
