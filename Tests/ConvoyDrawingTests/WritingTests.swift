import Testing

@testable import ConvoyDrawing

@Suite struct WritingTests {
  @Test func numbersAreShort() {
    let cases: [(Double, String)] = [
      (0, "0"), (1, "1"), (-1, "-1"), (0.5, "0.5"), (0.25, "0.25"), (-0.05, "-0.05"),
      (1.999, "2"), (12.301, "12.3"), (-0.001, "0"), (.nan, "0"), (.infinity, "0"), (1e300, "0"),
    ]
    for (value, text) in cases { #expect(SVGNumber.text(value) == text) }
  }

  /// What the tests of pages rely on: boxes are found from a document's text, through transformations.
  @Test func boxesAreFoundInTheText() throws {
    let xml = try StrictXML(
      """
      <svg><defs><g id="a"><circle cx="1" cy="1" r="1"/></g></defs>
      <g transform="translate(5 6) scale(2)"><rect x="1" y="1" width="4" height="3" stroke-width="1"/>
      <path d="M1 2h-3v4zM9 9L-4 8C1 1 2 2 3 11"/></g><use href="#a" transform="translate(-7 0)"/>
      <text x="10" y="20" font-size="10" text-anchor="end">nn</text></svg>
      """)
    #expect(
      xml.drawn.map(\.box) == [
        Box(6, 7, 10, 8), Box(-3, 8, 26, 20), Box(-7, 0, 2, 2),
        StrictXML.textBox("nn", ["x": "10", "y": "20", "font-size": "10", "text-anchor": "end"]),
      ])
    #expect(StrictXML.textBox("nn", ["font-size": "10", "x": "5"]).width == 11.12)
    for broken in ["<svg>", "<svg></g>", "<svg a=\"1\" a=\"2\"/>", "<svg>&</svg>", "<svg/>x"] {
      #expect(throws: (any Error).self) { try StrictXML(broken) }
    }
  }

  /// In a page, pictures share their names with each other: all that names something has the prefix.
  @Test(arguments: Samples.names) func prefixesKeepPicturesApart(_ name: String) throws {
    let picture = try Samples.picture(name)
    let (plain, prefixed) = (picture.svg(), picture.svg(prefix: "a-"))
    let (first, second) = (try StrictXML(plain), try StrictXML(prefixed))
    #expect(second.identifiers == Set(first.identifiers.map { "a-\($0)" }))
    #expect(second.references == Set(first.references.map { "a-\($0)" }))
    #expect(second.references.isSubset(of: second.identifiers))
    // Without the prefix it is the same picture, so nothing else has changed.
    #expect(prefixed.replacing("a-", with: "") == plain.replacing("a-", with: ""))
    for (before, name) in [
      ("url(#", "pattern"), ("class=\"", "class"), ("@keyframes ", "animation"),
      ("animation-name:", "use of an animation"), ("aria-labelledby=\"", "label"),
      ("href=\"#", "use"),
    ] {
      for part in prefixed.split(separator: before, omittingEmptySubsequences: false).dropFirst() {
        #expect(part.hasPrefix("a-"), "\(name): \(part.prefix(20))")
      }
    }
  }

  @Test func textIsEscaped() {
    #expect(XMLText.escaped("a<b&\"c\">") == "a&lt;b&amp;&quot;c&quot;&gt;")
    #expect(XMLText.escaped("\u{0}\u{7}\u{FFFF}") == "\u{FFFD}\u{FFFD}\u{FFFD}")
  }

  @Test func textFits() {
    for width in [0.0, 3, 20, 100, 1000] {
      let text = "features.denseblock1.denselayer1.conv1"
      let (shown, size) = TextMetrics.fitted(text, into: width, size: 14)
      #expect(TextMetrics.width(shown, size: size) <= width)
      #expect(size >= 8)
    }
    #expect(TextMetrics.width("Convoy", size: 10) == 33.9)
  }

  @Test func pixelsBecomePNG() {
    #expect(PixelImage.base64(Array("Man".utf8)) == "TWFu")
    #expect(PixelImage.base64(Array("Ma".utf8)) == "TWE=")
    #expect(PixelImage.base64(Array("M".utf8)) == "TQ==")
    // The check value of CRC-32.
    #expect(PixelImage.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
    let image = PixelImage(width: 1, height: 1, pixels: [1, 2, 3])
    #expect(image.png.count == 8 + 25 + 12 + 2 + 5 + 4 + 4 + 12)
  }

  @Test func axesHoldTheirNumbers() {
    for (low, high) in [(0.0, 1.0), (-3, 7), (0, 0), (0.001, 0.0013), (5, 5), (0, 1e8)] {
      let axis = Axis(linear: low, high)
      #expect(axis.range.lowerBound <= low && axis.range.upperBound >= high)
      #expect((2...41).contains(axis.ticks.count), "\(low) \(high) \(axis.ticks)")
    }
    #expect((Axis.log2(8) - 3).magnitude < 1e-9)
    #expect((Axis.log2(10) - 3.321928094887362).magnitude < 1e-8)
  }
}
