import Convoy

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The folder of a training: its checkpoint, its history and its report.
struct RunFolder {
  /// The folder's path, as the user would type it.
  let path: String

  var checkpointPath: String { "\(path)/checkpoint.safetensors" }
  var historyPath: String { "\(path)/history.csv" }
  var reportPath: String { "\(path)/report.html" }

  /// Makes a new folder: the one named, or the first of `runs/NAME-1`, `runs/NAME-2` … that is free.
  ///
  /// - Throws: `ConvoyError` when the folder cannot be made, or holds a training already.
  static func make(_ named: String?, for name: String) throws(ConvoyError) -> RunFolder {
    let files = FileManager.default
    if let named {
      let folder = RunFolder(path: trimmed(named))
      if files.fileExists(atPath: folder.checkpointPath) {
        throw ConvoyError(
          .argument,
          "The folder \(folder.path) holds a training already; go on with it by "
            + "--resume \(folder.path), or name another folder.")
      }
      try folder.create()
      return folder
    }
    var number = 1
    while files.fileExists(atPath: "runs/\(name)-\(number)") { number += 1 }
    let folder = RunFolder(path: "runs/\(name)-\(number)")
    try folder.create()
    return folder
  }

  /// A training's checkpoint, from its folder or its file.
  static func checkpoint(at path: String) throws(ConvoyError) -> Checkpoint {
    let folder = RunFolder(path: trimmed(path))
    var isFolder = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ConvoyError(
        .file,
        "There is no training at \(path); expected a folder that `convoy train` wrote, "
          + "or its checkpoint.safetensors.")
    }
    if !isFolder {
      let kind = try ContentKind(at: path)
      guard kind == .safetensors else {
        throw ConvoyError(
          .format,
          "‘\(path)’ should be a folder that `convoy train` wrote, or its checkpoint.safetensors, "
            + "but \(kind.map { "seems to be \($0)" } ?? "begins with other bytes").")
      }
      return try Checkpoint(contentsOf: path)
    }
    guard FileManager.default.fileExists(atPath: folder.checkpointPath) else {
      throw ConvoyError(
        .file,
        "The folder \(path) holds no checkpoint.safetensors; expected a folder that "
          + "`convoy train` wrote.")
    }
    return try Checkpoint(contentsOf: folder.checkpointPath)
  }

  /// Writes what the training has come to.
  func write(_ checkpoint: Checkpoint) throws(ConvoyError) {
    try checkpoint.write(to: checkpointPath)
    try AtomicFile.write(checkpoint.training?.history.csv ?? "", to: historyPath)
  }

  private func create() throws(ConvoyError) { try RunFolder.makeFolder(path) }

  /// Makes a folder and those above it, unless it is there.
  static func makeFolder(_ path: String) throws(ConvoyError) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: nil)
    } catch {
      throw ConvoyError(
        .file, "The folder \(path) cannot be made; expected a place where folders may be made.")
    }
  }

  private static func trimmed(_ path: String) -> String {
    var path = path
    while path.count > 1, path.last == "/" { path.removeLast() }
    return path
  }
}
