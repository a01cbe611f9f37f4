import ConvoyTensors

/// Pictures in folders, a folder a class, decoded when they are asked for.
///
/// A picture is resized so that its shorter side fits, its middle is cut out, and it is given three
/// channels.
struct ImageFolder: DataSet {
  let name: String
  let classNames: [String]
  private let size: Int
  private let files: [File]

  /// A picture's path and class.
  struct File: Sendable {
    let path: String
    let label: Int
  }

  var imageShape: Shape { [3, size, size] }

  var count: Int { files.count }

  func label(at index: Int) -> Int { files[index].label }

  func copyImage(at index: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws(ConvoyError)
  {
    try Image(contentsOf: files[index].path)
      .resized(shorterSide: size).centerCropped(width: size, height: size)
      .converted(toChannels: 3).copyPlanes(into: buffer)
  }

  // MARK: - Finding the pictures

  /// The endings of the names that are taken for pictures, in lower case. What is inside is decided
  /// by its content.
  static let endings = ["png", "jpg", "jpeg", "pgm", "ppm", "pnm"]

  /// Lists a folder's classes and pictures; nil when it has no folder with a picture in it.
  ///
  /// Folders `train` and `val` (or `valid`, `validation`, `test`) are the parts, where they are
  /// there. Otherwise a fifth of every class, drawn with a fixed seed, is held out.
  static func splits(in folder: String, size: Int) throws(ConvoyError) -> DataSplits? {
    let subfolders = Set(try Folder.folders(in: folder).map(\.name))
    // A folder of pictures of trains is a class like any other.
    let divided = subfolders.contains("train") ? try Classes(in: "\(folder)/train") : nil
    let undivided = divided == nil ? try Classes(in: folder) : nil
    guard let training = divided ?? undivided else { return nil }
    let name = folder.split(separator: "/").last.map(String.init) ?? folder
    func part(_ files: [File]) -> ImageFolder {
      ImageFolder(name: name, classNames: training.names, size: size, files: files)
    }
    let examinations = ["val", "valid", "validation", "test"]
    if divided != nil, let found = examinations.first(where: subfolders.contains) {
      let path = "\(folder)/\(found)"
      guard let test = try Classes(in: path, contents: training.contents),
        test.names == training.names
      else {
        throw ConvoyError(
          .format, "‘\(path)’ should have the same folders of pictures as ‘\(folder)/train’.")
      }
      var contents = test.contents
      for name in try Folder.names(in: folder) where name != "train" && name != found {
        contents.leave(name, in: folder)
      }
      return DataSplits(
        training: part(training.files), test: part(test.files), contents: contents)
    }
    let (kept, heldOut) = HoldOut.fifth(
      of: training.files.map(\.label), classCount: training.names.count, seed: 8)
    guard !heldOut.isEmpty else {
      throw ConvoyError(
        .format, "‘\(folder)’ should have a folder with two pictures or more, to hold one out.")
    }
    return DataSplits(
      training: part(kept.map { training.files[$0] }),
      test: part(heldOut.map { training.files[$0] }), contents: training.contents)
  }

  /// The folders that have pictures, and the pictures, all sorted by name.
  private struct Classes {
    var names: [String] = []
    var files: [File] = []
    var contents: FolderContents

    /// - Parameter contents: what was counted before.
    init?(
      in folder: String, contents: FolderContents = FolderContents()
    ) throws(ConvoyError) {
      self.contents = contents
      for name in try Folder.names(in: folder) {
        let path = "\(folder)/\(name)"
        let inside = FileKind(at: path) == .folder ? try Folder.names(in: path) : []
        let pictures = inside.filter {
          endings.contains(String(FolderContents.ending(of: $0).dropFirst()))
        }
        if pictures.isEmpty {
          self.contents.leave(name, in: folder)
          continue
        }
        let taken = Set(pictures)
        for name in inside {
          if taken.contains(name) {
            self.contents.take(name)
          } else {
            self.contents.leave(name, in: path)
          }
        }
        files += pictures.map { File(path: "\(path)/\($0)", label: names.count) }
        names.append(name)
      }
      if names.isEmpty { return nil }
    }
  }
}
