/// A page of HTML in a single file: pictures, tables and small images in sections.
///
/// It has no script and loads nothing, follows the reader's preference for light or dark, and
/// prints.
///
/// ```swift
/// let page = Page(
///   title: "digits", summary: "Trained for 30 epochs.",
///   sections: [Page.Section("Training", [.picture(try .history(points, title: "digits"))])])
/// try AtomicFile.write(page.html(), to: "report.html")
/// ```
public struct Page: Sendable {
  /// An important number, with its name.
  public struct Fact: Sendable {
    /// The name: `parameters`.
    public var name: String
    /// The number: `94,634`.
    public var value: String
    /// An explanation below the number: `353 of 359 images`; may be empty.
    public var note: String

    /// Describes a number.
    public init(_ name: String, _ value: String, note: String = "") {
      self.name = name
      self.value = value
      self.note = note
    }
  }

  /// A table with a header.
  public struct Table: Sendable {
    /// The caption, above the table.
    public var caption: String
    /// The names of the columns.
    public var names: [String]
    /// The rows, as long as the names.
    public var rows: [[String]]
    /// A last row that is set apart, such as a total.
    public var total: [String]?
    /// The columns of text; the others hold numbers and are aligned to the right.
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

  /// A small image with text below it.
  public struct Tile: Sendable {
    /// The image.
    public var image: PixelImage
    /// A description for readers who cannot see the image.
    public var description: String
    /// The lines of text below it.
    public var lines: [String]

    /// Describes an image.
    public init(_ image: PixelImage, description: String, lines: [String]) {
      self.image = image
      self.description = description
      self.lines = lines
    }
  }

  /// A part of a section.
  public enum Block: Sendable {
    /// Important numbers, large and side by side.
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
    /// The parts, in order.
    public var blocks: [Block]

    /// Makes a section.
    public init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// The heading of the page, and the title of the window.
  public var title: String
  /// A sentence below the title.
  public var summary: String
  /// The blocks between the title and the first section.
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
}
