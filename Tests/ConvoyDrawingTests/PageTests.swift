import ConvoyTensors
import Testing

@testable import ConvoyDrawing

/// Expects that a page is well-formed, that no two of its parts have one name, and that it asks nobody
/// for anything.
func expectSound(_ page: Page, theme: Theme, sourceLocation: SourceLocation = #_sourceLocation)
  throws
{
  let text = page.html(theme: theme)
  let start = "<!DOCTYPE html>\n"
  #expect(text.hasPrefix(start), sourceLocation: sourceLocation)
  // The reader wants a picture; it refuses what is not well-formed, and identifiers that come twice.
  let xml = try StrictXML("<svg>\(text.dropFirst(start.count))</svg>")
  #expect(xml.references.isSubset(of: xml.identifiers), sourceLocation: sourceLocation)
  for word in ["<script", "<link", "@import", "http-equiv", "javascript:"] {
    #expect(!text.contains(word), "\(word)", sourceLocation: sourceLocation)
  }
  #expect(!text.contains(/<[^>]* on[a-z]+="/), sourceLocation: sourceLocation)
  for part in text.split(separator: "src=\"", omittingEmptySubsequences: false).dropFirst() {
    #expect(part.hasPrefix("data:image/png;base64,"), sourceLocation: sourceLocation)
  }
  for part in text.split(separator: "url(", omittingEmptySubsequences: false).dropFirst() {
    #expect(part.hasPrefix("#"), sourceLocation: sourceLocation)
  }
  for address in text.split(separator: "http", omittingEmptySubsequences: false).dropFirst() {
    #expect(address.hasPrefix("://www.w3.org/2000/svg"), sourceLocation: sourceLocation)
  }
}

@Suite struct PageTests {
  /// All kinds of pictures in one page, each twice.
  @Test(arguments: Theme.allCases) func picturesShareAPage(_ theme: Theme) throws {
    let pictures = try (Samples.names + Samples.names).map(Samples.picture)
    let page = Page(
      title: "All", summary: "Twice.", sections: [Page.Section("x", pictures.map { .picture($0) })])
    try expectSound(page, theme: theme)
    let text = page.html(theme: theme)
    // Every rule of every picture is its own.
    let identifiers = text.matches(of: /id="([^"]+)"/).map { String($0.1) }
    #expect(Set(identifiers).count == identifiers.count)
    for index in 1...pictures.count { #expect(identifiers.contains("p\(index)-title")) }
  }

  @Test func namesFromFilesAreEscaped() throws {
    for name in hostileNames {
      let page = Page(
        title: name, summary: name, opening: [.facts([Page.Fact(name, name, note: name)])],
        sections: [
          Page.Section(
            name,
            [
              .text(name),
              .row([
                .table(
                  Page.Table(name, names: [name, "b"], rows: [[name, name]], total: [name, ""])),
                .picture(try .confusion([[1]], classNames: [name], title: name)),
              ]),
              .tiles([
                Page.Tile(
                  try PixelImage(Tensor([1, 2, 2], repeating: 0.5), atMost: 8), description: name,
                  lines: [name, name])
              ]),
            ])
        ])
      for theme in Theme.allCases { try expectSound(page, theme: theme) }
    }
  }

  @Test func tablesKeepTheirCells() {
    let table = Page.Table(
      "c", names: ["a", "b"], rows: [["1", "2"], ["3", "4"]], total: ["5", "6"], textColumns: [1])
    let text = Page(title: "", summary: "", sections: [Page.Section("", [.table(table)])]).html()
    #expect(text.contains("<th scope=\"col\">a</th><th scope=\"col\" class=\"t\">b</th>"))
    #expect(text.contains("<tr><th scope=\"row\">3</th><td class=\"t\">4</td></tr>"))
    #expect(text.contains("<tfoot><tr><th scope=\"row\">5</th>"))
  }

  @Test func tensorsBecomePixels() throws {
    let grey = try PixelImage(Tensor([1, 1, 1, 2], [0, 1]), atMost: 4)
    #expect(grey.pixels == [0, 0, 0, 255, 255, 255])
    let colour = try PixelImage(Tensor([3, 1, 1], [1, 0.5, -3]), atMost: 4)
    #expect(colour.pixels == [255, 128, 0])
    #expect(try PixelImage(Tensor([1, 1, 1], [.nan]), atMost: 4).pixels == [0, 0, 0])
    // Squares of two by two become one pixel: their mean.
    let large = try PixelImage(Tensor([1, 2, 4], [0, 1, 1, 1, 1, 0, 1, 1]), atMost: 2)
    #expect((large.width, large.height) == (2, 1))
    #expect(large.pixels == [128, 128, 128, 255, 255, 255])
    var random = Random(seed: 9)
    for _ in 0..<100 {
      let shape = Shape([1 + random.below(4), 1 + random.below(90), 1 + random.below(90)])
      let side = 1 + random.below(60)
      let image = try PixelImage(Tensor(normal: shape, using: &random), atMost: side)
      #expect(max(image.width, image.height) <= side)
      #expect(image.pixels.count == 3 * image.width * image.height)
    }
    for shape in [Shape([4]), Shape([2, 1, 4, 4])] {
      #expect(throws: ConvoyError.self) { try PixelImage(Tensor(shape, repeating: 0), atMost: 4) }
    }
  }
}
