import ArgumentParser
import Convoy

/// `convoy draw`
struct Draw: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw",
    abstract: "Draws convolutions, networks and measurements.",
    discussion: """
      Writes SVG, which Convoy makes itself; a name that ends in .html gets a page,
      one that ends in .png goes through rsvg-convert.

      Examples:
        convoy draw arithmetic --padding 1 -o arithmetic.svg
        convoy draw network zoo:alexnet -o alexnet.svg
        convoy draw connections --sheet -o sheet.svg
      """,
    subcommands: [
      DrawArithmetic.self, DrawVolumes.self, DrawConnections.self, DrawMatrix.self,
      DrawNetwork.self,
      DrawFilters.self, DrawCorrelation.self, DrawConfusion.self, DrawHistory.self, DrawStudy.self,
      DrawRoofline.self,
    ])
}

/// Where a picture goes, and for which page it is made.
struct DrawingArguments: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write: .svg, .html or .png.", valueName: "file"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "light, dark, or auto, which follows what the reader prefers.", valueName: "theme"))
  var theme = ThemeArgument.auto

  func validate() throws {
    guard [".svg", ".html", ".png"].contains(where: output.lowercased().hasSuffix) else {
      throw ValidationError("Expected a name that ends in .svg, .html or .png, got \(output).")
    }
  }

  /// Writes a picture in the form that the file's name asks for.
  func write(_ picture: Picture) throws(ConvoyError) {
    let name = output.lowercased()
    if name.hasSuffix(".png") {
      try PictureConverter.writePNG(picture.svg(theme: theme.theme), to: output)
    } else {
      let text =
        name.hasSuffix(".html") ? picture.html(theme: theme.theme) : picture.svg(theme: theme.theme)
      try AtomicFile.write(text, to: output)
    }
    let size = "\(Int(picture.width)) by \(Int(picture.height)) pixels"
    Console.line("Wrote \(output): \(picture.title), \(size).")
  }
}

/// `Theme` as an argument.
enum ThemeArgument: String, ExpressibleByArgument, CaseIterable {
  case light, dark, auto

  var theme: Theme { Theme(rawValue: rawValue) ?? .auto }
}

/// One extent for both dimensions (`3`), or height and width (`3x5`), as an argument.
struct ExtentsArgument: ExpressibleByArgument {
  var values: [Int]

  init(_ values: [Int]) { self.values = values }

  init?(argument: String) {
    let parts = argument.split(
      omittingEmptySubsequences: false, whereSeparator: { "x×X,".contains($0) })
    let numbers = parts.compactMap { Int($0) }
    guard numbers.count == parts.count, (1...2).contains(numbers.count) else {
      ArgumentMessages.expect("a number, or two as in 3x5")
      return nil
    }
    values = numbers.count == 1 ? [numbers[0], numbers[0]] : numbers
  }

  var defaultValueDescription: String {
    values[0] == values[1] ? "\(values[0])" : "\(values[0])x\(values[1])"
  }
}
