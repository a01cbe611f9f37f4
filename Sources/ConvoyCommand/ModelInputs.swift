import ArgumentParser
import Convoy

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// How pictures become numbers.
struct PictureArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      What is taken off each channel, of values from 0 to 1; what the model was trained with by \
      default, or 0.
      """, valueName: "numbers"))
  var mean: NumberList?

  @Option(
    help: ArgumentHelp(
      "What each channel is divided by; what the model was trained with by default, or 1.",
      valueName: "numbers"))
  var std: NumberList?

  @Option(
    help: ArgumentHelp(
      """
      The shorter side, before the middle is cut out; by default as much as possible is kept.
      """, valueName: "pixels"))
  var size: Int?

  func validate() throws {
    if let size, !(1...1 << 15).contains(size) {
      throw ValidationError("Expected from 1 to 32768 pixels in --size, got \(size).")
    }
    if let std, std.numbers.contains(where: { $0 <= 0 }) {
      throw ValidationError("Expected numbers above 0 in --std, got \(std.text).")
    }
  }

  var options: PictureOptions {
    PictureOptions(mean: mean?.numbers, deviation: std?.numbers, size: size)
  }
}

/// What `PictureArguments` say.
struct PictureOptions {
  var mean: [Float]?
  var deviation: [Float]?
  /// The shorter side, before the middle is cut out.
  var size: Int?
}

/// Numbers with commas between them: `0.5` or `0.485,0.456,0.406`.
struct NumberList: ExpressibleByArgument {
  let text: String
  let numbers: [Float]

  init?(argument: String) {
    text = argument
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    numbers = parts.compactMap { Float($0) }.filter(\.isFinite)
    guard numbers.count == parts.count else {
      ArgumentMessages.expect("numbers with commas between them")
      return nil
    }
  }
}

/// Brings files into the form a model takes.
struct ModelInputs {
  private let inputs: [ModelSource.Input]
  private let normalization: Normalization?
  private let pictures: PictureOptions

  init(_ source: ModelSource, pictures: PictureOptions) {
    inputs = source.inputs
    normalization = source.notes.normalization
    self.pictures = pictures
  }

  /// Reads a file for each input.
  ///
  /// - Parameter arguments: `FILE`, or `NAME=FILE`.
  /// - Throws: `ConvoyError` when a file cannot be read, or inputs are missing, unknown, or given twice.
  func read(_ arguments: [String]) throws(ConvoyError) -> [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for argument in arguments {
      let (name, path) = try split(argument)
      guard tensors[name] == nil else {
        throw ConvoyError(.argument, "The input ‘\(name)’ should be given once, but comes twice.")
      }
      tensors[name] = try tensor(at: path, for: name)
    }
    if let missing = names.first(where: { tensors[$0] == nil }) {
      throw ConvoyError(
        .argument, "The model takes \(list); expected --input \(missing)=FILE too, got none.")
    }
    return tensors
  }

  /// Reads a picture for the only input.
  ///
  /// - Throws: `ConvoyError` when it cannot be read, or the model takes no single picture.
  func picture(at path: String) throws(ConvoyError) -> [String: Tensor] {
    guard names.count == 1 else {
      throw ConvoyError(.argument, "Expected a model of one input, a picture; this takes \(list).")
    }
    guard let input = inputs.first, let extents = input.imageExtents else {
      throw ConvoyError(
        .argument,
        "Expected a model of pictures, batch×channels×height×width with 1 channel or 3; the input "
          + "‘\(names[0])’ has shape \(inputs[0].text).")
    }
    return [input.name: try tensor(of: try picture(path), extents, input.type)]
  }

  private var names: [String] { inputs.map(\.name) }

  private var list: String {
    names.count == 1
      ? "the input ‘\(names[0])’"
      : "the inputs \(names.map { "‘\($0)’" }.joined(separator: ", "))"
  }

  /// The input's name and the file's path. A path may contain `=`: what stands before the first one is a
  /// name only if it is one of the model's.
  private func split(_ argument: String) throws(ConvoyError) -> (name: String, path: String) {
    if let equals = argument.firstIndex(of: "=") {
      let name = String(argument[..<equals])
      if names.contains(name) { return (name, String(argument[argument.index(after: equals)...])) }
      guard names.count == 1, FileManager.default.fileExists(atPath: argument) else {
        throw ConvoyError(
          .argument, "The model takes \(list), got ‘\(name)’ in --input \(argument).")
      }
    }
    guard names.count == 1 else {
      throw ConvoyError(
        .argument, "The model takes \(list); expected --input NAME=FILE, got \(argument).")
    }
    return (names[0], argument)
  }

  /// An array in the input's type, or a picture brought to the input's size and colours.
  private func tensor(at path: String, for name: String) throws(ConvoyError) -> Tensor {
    guard let input = inputs.first(where: { $0.name == name }) else {
      throw ConvoyError(.argument, "The model takes \(list), got ‘\(name)’.")
    }
    if let tensor = try array(at: path) {
      guard input.takes(tensor.shape) else {
        throw ConvoyError(
          .shape,
          "The input ‘\(name)’ has shape \(input.text), or that with another batch or size of image, "
            + "but the array in \(path) has \(tensor.shape).")
      }
      return tensor.converted(to: input.type)
    }
    guard let extents = input.imageExtents else {
      throw ConvoyError(
        .shape,
        "The input ‘\(name)’ has shape \(input.text) and takes .npy files only: a picture needs "
          + "batch×channels×height×width with 1 channel or 3; \(path) is no .npy file.")
    }
    return try tensor(of: try picture(path), extents, input.type)
  }

  /// The array of a .npy file; nil for what is none. A pipe is read but once, and must bring an array.
  private func array(at path: String) throws(ConvoyError) -> Tensor? {
    let kind = try ContentKind(at: path)
    return kind == nil || kind == .numPy ? try NumPyArray(contentsOf: path).tensor : nil
  }

  private func picture(_ path: String) throws(ConvoyError) -> Image {
    do {
      return try Image(contentsOf: path)
    } catch {
      guard error.kind == .format else { throw error }
      throw ConvoyError(
        .format,
        "\(path) should be a .npy file or a picture in PNG, JPEG, PGM or PPM: "
          + error.message)
    }
  }

  /// - Parameter extents: those of the input; where its size is open, the picture keeps its own.
  /// An input of integers is given the pixels, from 0 to 255, as they are.
  private func tensor(
    of picture: Image, _ extents: [Int?], _ type: ElementType
  ) throws(ConvoyError) -> Tensor {
    let channels = extents[1] ?? 3
    let (height, width) = (extents[2] ?? picture.height, extents[3] ?? picture.width)
    var image = try picture.converted(toChannels: channels)
    if let size = pictures.size {
      image = try image.resized(shorterSide: size).centerCropped(width: width, height: height)
    } else {
      image = try image.fitted(width: width, height: height)
    }
    if !type.isFloating {
      guard pictures.mean == nil, pictures.deviation == nil else {
        throw ConvoyError(
          .argument, "The model takes pixels as they are; --mean and --std cannot be used with it.")
      }
      let area = image.width * image.height
      let planes = (0..<channels * area).map { index in
        image.pixels[index % area * channels + index / area]
      }
      return try Tensor([1, channels, image.height, image.width], elements: planes)
        .converted(to: type)
    }
    func numbers(_ given: [Float]?, _ known: [Float]?, _ other: Float, _ option: String)
      throws(ConvoyError) -> [Float]
    {
      let list = given ?? known ?? [other]
      guard list.count == 1 || list.count == channels else {
        throw ConvoyError(
          .argument,
          "Expected 1 number or \(channels), one a channel, in \(option), got \(list.count).")
      }
      return list.count == 1 ? Array(repeating: list[0], count: channels) : list
    }
    let tensor = try image.tensor(
      mean: numbers(pictures.mean, normalization?.mean, 0, "--mean"),
      deviation: numbers(pictures.deviation, normalization?.deviation, 1, "--std"))
    return try tensor.reshaped(to: [1, channels, image.height, image.width]).converted(to: type)
  }
}

extension ModelSource.Input {
  /// The extents, if they can be those of pictures.
  fileprivate var imageExtents: [Int?]? {
    guard let extents, extents.count == 4, [1, 3, nil].contains(extents[1]) else { return nil }
    return extents
  }

  /// Whether an array can be given: of as many dimensions, and of images as many channels.
  fileprivate func takes(_ shape: Shape) -> Bool {
    guard let extents else { return true }
    guard extents.count == shape.rank else { return false }
    return extents.count != 4 || extents[1] == nil || extents[1] == shape[1]
  }

  /// The extents as text: `?×3×224×224`.
  var text: String {
    guard let extents else { return "of any rank" }
    return extents.isEmpty
      ? "scalar" : extents.map { $0.map(String.init) ?? "?" }.joined(separator: "×")
  }
}
