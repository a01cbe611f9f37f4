/// A page of HTML that needs nothing beside it: pictures, tables and small images in sections.
///
/// It has no script and fetches nothing, follows the reader's preference for light or dark, and prints.
///
/// ```swift
/// let page = Page(
///   title: "digits", summary: "Trained for 30 epochs.",
///   sections: [Page.Section("Training", [.picture(try .history(points, title: "digits"))])])
/// try AtomicFile.write(page.html(), to: "report.html")
/// ```
public struct Page: Sendable {
  /// A number that matters, and what it is.
  public struct Fact: Sendable {
    /// What it is: `parameters`.
    public var name: String
    /// The number: `94,634`.
    public var value: String
    /// What belongs to it: `353 of 359 images`; may be empty.
    public var note: String

    /// Describes a number.
    public init(_ name: String, _ value: String, note: String = "") {
      self.name = name
      self.value = value
      self.note = note
    }
  }

  /// A table, with a line of names.
  public struct Table: Sendable {
    /// What it shows; stands above it.
    public var caption: String
    /// The names of the columns.
    public var names: [String]
    /// The rows, as long as the names.
    public var rows: [[String]]
    /// Below all rows, apart from them: a total.
    public var total: [String]?
    /// Which columns hold text; the others hold numbers and are aligned to the right.
    public var textColumns: Set<Int>

    /// Describes a table.
    public init(
      _ caption: String, names: [String], rows: [[String]], total: [String]? = nil,
      textColumns: Set<Int> = [0]
    ) {
      self.caption = caption
      self.names = names
      self.rows = rows
      self.total = total
      self.textColumns = textColumns
    }
  }

  /// A small image, and what is to be said of it.
  public struct Tile: Sendable {
    /// The image.
    public var image: PixelImage
    /// What it shows, for those who do not see it.
    public var description: String
    /// What stands below it, line by line.
    public var lines: [String]

    /// Describes an image.
    public init(_ image: PixelImage, description: String, lines: [String]) {
      self.image = image
      self.description = description
      self.lines = lines
    }
  }

  /// What stands in a section.
  public enum Block: Sendable {
    /// Numbers that matter, large and side by side.
    case facts([Fact])
    /// A paragraph.
    case text(String)
    /// A picture.
    case picture(Picture)
    /// A table.
    case table(Table)
    /// Small images side by side.
    case tiles([Tile])
    /// Blocks side by side, where the page is wide enough.
    indirect case row([Block])
  }

  /// A part of a page, under a heading.
  public struct Section: Sendable {
    /// The heading.
    public var title: String
    /// What stands in it.
    public var blocks: [Block]

    /// Makes a section.
    public init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// What stands above all, and in the window's title.
  public var title: String
  /// A sentence below the title.
  public var summary: String
  /// What stands between the title and the first section.
  public var opening: [Block]
  /// The sections, in order.
  public var sections: [Section]

  /// Makes a page.
  public init(title: String, summary: String, opening: [Block] = [], sections: [Section]) {
    self.title = title
    self.summary = summary
    self.opening = opening
    self.sections = sections
  }

  /// The page as text, which is well-formed XML too.
  ///
  /// - Parameter theme: `auto` follows what the reader prefers.
  /// - Complexity: O(*n*) in what it holds.
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
