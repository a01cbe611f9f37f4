extension Page {
  /// The page as HTML, which is also well-formed XML.
  ///
  /// - Parameter theme: `auto` follows the reader's preference.
  /// - Complexity: O(*n*) in the size of the content.
  public func html(theme: Theme = .auto) -> String {
    var writer = PageWriter(theme: theme)
    for block in opening { writer.write(block) }
    for section in sections { writer.write(section) }
    let scheme = theme == .auto ? "light dark" : theme.rawValue
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width,initial-scale=1"/>
      <meta name="color-scheme" content="\(scheme)"/>
      <title>\(XMLText.escaped(title))</title>
      <style>
      \(PageStyle.text(theme: theme))
      </style>
      </head>
      <body>
      <main>
      <header><h1>\(XMLText.escaped(title))</h1>
      <p class="lead">\(XMLText.escaped(summary))</p></header>
      \(writer.text)</main>
      </body>
      </html>

      """
  }
}

/// Writes the blocks of a page as HTML.
struct PageWriter {
  let theme: Theme
  private(set) var text = ""
  /// The number of pictures so far: each has a prefix of its own.
  private var pictures = 0

  init(theme: Theme) { self.theme = theme }

  mutating func write(_ section: Page.Section) {
    text += "<section>\n<h2>\(XMLText.escaped(section.title))</h2>\n"
    for block in section.blocks { write(block) }
    text += "</section>\n"
  }

  mutating func write(_ block: Page.Block) {
    switch block {
    case .facts(let facts): write(facts)
    case .text(let words): text += "<p>\(XMLText.escaped(words))</p>\n"
    case .picture(let picture):
      pictures += 1
      text += "<figure>\(picture.svg(theme: theme, prefix: "p\(pictures)-"))</figure>\n"
    case .table(let table): write(table)
    case .tiles(let tiles): write(tiles)
    case .row(let blocks):
      text += "<div class=\"row\">\n"
      for block in blocks { write(block) }
      text += "</div>\n"
    }
  }

  private mutating func write(_ facts: [Page.Fact]) {
    text += "<dl class=\"facts\">\n"
    for fact in facts {
      let note = fact.note.isEmpty ? "" : "<span>\(XMLText.escaped(fact.note))</span>"
      text +=
        "<div><dt>\(XMLText.escaped(fact.name))</dt>"
        + "<dd>\(XMLText.escaped(fact.value))\(note)</dd></div>\n"
    }
    text += "</dl>\n"
  }

  private mutating func write(_ table: Page.Table) {
    let caption = XMLText.escaped(table.caption)
    // Wide tables scroll on their own, also by keyboard.
    text += "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"\(caption)\">"
    text += "<table><caption>\(caption)</caption>\n<thead><tr>"
    for (column, name) in table.names.enumerated() {
      text += "<th scope=\"col\"\(style(column, table))>\(XMLText.escaped(name))</th>"
    }
    text += "</tr></thead>\n<tbody>\n"
    for row in table.rows { write(row, table) }
    text += "</tbody>\n"
    if let total = table.total {
      text += "<tfoot>"
      write(total, table)
      text += "</tfoot>\n"
    }
    text += "</table></div>\n"
  }

  private mutating func write(_ row: [String], _ table: Page.Table) {
    text += "<tr>"
    for (column, cell) in row.enumerated() {
      let words = XMLText.escaped(cell)
      text +=
        column == 0
        ? "<th scope=\"row\"\(style(column, table))>\(words)</th>"
        : "<td\(style(column, table))>\(words)</td>"
    }
    text += "</tr>\n"
  }

  /// Most cells are numbers; those of text have a class.
  private func style(_ column: Int, _ table: Page.Table) -> String {
    table.textColumns.contains(column) ? " class=\"t\"" : ""
  }

  private mutating func write(_ tiles: [Page.Tile]) {
    text += "<div class=\"tiles\">\n"
    for tile in tiles {
      let lines = tile.lines.map { "<span>\(XMLText.escaped($0))</span>" }.joined()
      text +=
        "<figure><img alt=\"\(XMLText.escaped(tile.description))\" "
        + "width=\"\(tile.image.width)\" height=\"\(tile.image.height)\" "
        + "src=\"\(tile.image.dataURL)\"/><figcaption>\(lines)</figcaption></figure>\n"
    }
    text += "</div>\n"
  }
}

/// The style sheet of pages.
enum PageStyle {
  static func text(theme: Theme) -> String {
    let base = ":root{color-scheme:\(theme == .auto ? "light dark" : theme.rawValue);"
    let colours = base + tones(isDark: theme == .dark) + "}\n"
    let dark =
      theme == .auto
      ? "@media screen and (prefers-color-scheme:dark){:root{\(tones(isDark: true))}}\n" : ""
    return colours + dark + rules
  }

  private static func tones(isDark: Bool) -> String {
    let names: [(String, Tone)] = [
      ("paper", .paper), ("ink", .ink), ("muted", .muted), ("rule", .rule), ("faint", .faint),
    ]
    return names.map { "--\($0):\($1.color(isDark: isDark).hex)" }.joined(separator: ";")
  }

  private static let rules = """
    *{box-sizing:border-box}
    body{margin:0;background:var(--paper);color:var(--ink);line-height:1.45;\
    font:16px/1.45 \(TextMetrics.family)}
    main{max-width:1180px;margin:0 auto;padding:2rem 1.25rem 4rem}
    h1{font-size:1.7rem;line-height:1.2;margin:0 0 .4rem;overflow-wrap:anywhere}
    h2{font-size:1.25rem;margin:2.6rem 0 .8rem;padding-bottom:.3rem;\
    border-bottom:1px solid var(--rule)}
    p{max-width:70ch;margin:.6rem 0}
    .lead{color:var(--muted);overflow-wrap:anywhere}
    .facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.8rem;\
    margin:1.4rem 0}
    .facts div{background:var(--faint);border-radius:.5rem;padding:.7rem .9rem}
    dt{color:var(--muted);font-size:.85rem}
    dd{margin:0;font-size:1.3rem;font-weight:bold;overflow-wrap:anywhere}
    dd span{display:block;font-size:.85rem;font-weight:normal;color:var(--muted)}
    figure{margin:1rem 0}
    figure svg{display:block;max-width:100%;height:auto}
    .row{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;align-items:flex-start}
    .row>*{flex:0 1 auto;min-width:0;max-width:100%}
    .wide{overflow-x:auto;margin:1rem 0}
    table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
    caption{text-align:left;color:var(--muted);padding:0 0 .5rem}
    th,td{padding:.22rem .7rem;text-align:right;white-space:nowrap;font-weight:normal}
    .t{text-align:left}
    thead th{font-weight:bold;border-bottom:1px solid var(--ink);vertical-align:bottom}
    tbody tr:nth-child(even){background:var(--faint)}
    tfoot th,tfoot td{font-weight:bold;border-top:1px solid var(--ink)}
    .tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(8rem,1fr));gap:1rem}
    .tiles figure{margin:0}
    .tiles img{width:100%;height:auto;max-width:8rem;display:block;image-rendering:pixelated;\
    border:1px solid var(--rule)}
    figcaption{font-size:.85rem;padding-top:.3rem;overflow-wrap:anywhere}
    figcaption span{display:block}
    figcaption span+span{color:var(--muted)}
    @media print{body{font-size:10pt}main{max-width:none;padding:0}\
    figure,.facts div,tr{break-inside:avoid}h2{break-after:avoid}thead{display:table-header-group}\
    .wide{overflow:visible}.facts div{border:1px solid var(--rule)}\
    figure svg{max-height:22cm}}
    """
}
