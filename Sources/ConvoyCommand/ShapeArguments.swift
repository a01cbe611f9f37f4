import ArgumentParser
import Convoy

/// The shapes of a model's inputs, as options: one group for every command that takes a model.
struct ShapeArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The shape of an input: 1x3x480x640; with its name where there are several, once for each.",
      valueName: "[name=]extents"))
  var shape: [ShapeText] = []

  @Option(help: ArgumentHelp("Images at once: the first extent of inputs.", valueName: "number"))
  var batch: Int?

  func validate() throws {
    if let batch { try validateBatch(batch) }
    let names = shape.map { $0.name ?? "" }
    guard Set(names).count == names.count else {
      throw ValidationError("Expected one --shape for each input, got \(shape.count).")
    }
  }

  var given: GivenShapes { GivenShapes(shapes: shape, batch: batch) }
}

/// `1x3x480x640`, or `image=1x3x480x640`.
struct ShapeText: ExpressibleByArgument {
  /// The input's name, if it is told.
  let name: String?
  let extents: [Int]

  init?(argument: String) {
    // A name may contain `=`; extents do not.
    let equals = argument.lastIndex(of: "=")
    name = equals.map { String(argument[..<$0]) }
    let text = equals.map { argument[argument.index(after: $0)...] } ?? argument[...]
    let parts = text.split(omittingEmptySubsequences: false) { $0 == "x" || $0 == "×" }
    extents = parts.compactMap { Int($0) }.filter { $0 >= 1 }
    guard extents.count == parts.count, name != "" else { return nil }
  }
}

/// What a user says of the shapes of a model's inputs.
struct GivenShapes {
  var shapes: [ShapeText] = []
  var batch: Int?

  /// Nothing: inputs are as the model has them.
  static let none = GivenShapes()

  /// The shapes by name.
  ///
  /// - Parameter names: the model's inputs.
  /// - Throws: `ConvoyError` when a shape without a name is not of the only input.
  func byName(_ names: [String]) throws(ConvoyError) -> [String: [Int]] {
    var result: [String: [Int]] = [:]
    for shape in shapes {
      guard let name = shape.name ?? (names.count == 1 ? names[0] : nil) else {
        throw ConvoyError(
          .argument,
          "The model has the inputs \(names.map { "‘\($0)’" }.joined(separator: ", ")); expected a "
            + "name in --shape NAME=\(shape.extents.map(String.init).joined(separator: "x")).")
      }
      result[name] = shape.extents
    }
    return result
  }
}
