import ConvoyTensors

/// MNIST and what has its form, such as Fashion-MNIST: grey images and their labels in IDX files,
/// plain or compressed with gzip.
///
/// Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998.
struct IDX {
  private let folder: String
  private let gzip: Gzip

  init(folder: String, gzip: Gzip = Gzip()) {
    self.folder = folder
    self.gzip = gzip
  }

  /// Whether the folder has the training images.
  var isThere: Bool { path("train-images", dimensions: 3) != nil }

  /// Reads the four files.
  func splits() throws(ConvoyError) -> DataSplits {
    let training = try part("train")
    let test = try part("t10k")
    guard training.imageShape == test.imageShape else {
      throw ConvoyError(
        .format,
        "The images in ‘\(folder)’ should have one size, but those to train on have the shape "
          + "\(training.imageShape) and those to test on \(test.imageShape).")
    }
    let paths = ["train", "t10k"].flatMap { part in
      [path("\(part)-images", dimensions: 3), path("\(part)-labels", dimensions: 1)]
    }
    let names = paths.compactMap { $0?.dropFirst(folder.count + 1) }.map(String.init)
    return DataSplits(
      training: training, test: test,
      contents: try FolderContents(of: folder, taking: Set(names)))
  }

  /// The files are the same for both data sets, so only the folder can tell them apart.
  private var isFashion: Bool { folder.lowercased().contains("fashion") }

  private var classNames: [String] {
    isFashion
      ? [
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
        "ankle boot",
      ]
      : (0...9).map(String.init)
  }

  private func part(_ prefix: String) throws(ConvoyError) -> StoredDataSet {
    let images = try read("\(prefix)-images", dimensions: 3)
    let labels = try read("\(prefix)-labels", dimensions: 1)
    guard images.extents[0] == labels.extents[0] else {
      throw ConvoyError(
        .format,
        "‘\(labels.path)’ should have a label for each of the \(images.extents[0]) images in "
          + "‘\(images.path)’, but has \(labels.extents[0]).")
    }
    if let index = labels.data.firstIndex(where: { $0 >= classNames.count }) {
      throw ConvoyError(
        .format,
        "‘\(labels.path)’ should hold labels 0…\(classNames.count - 1), but has "
          + "\(labels.data[index]) at \(index).")
    }
    return StoredDataSet(
      name: isFashion ? "fashion-mnist" : "mnist", classNames: classNames,
      imageShape: Shape([1, images.extents[1], images.extents[2]]), pixels: images.data,
      labels: labels.data)
  }

  /// Where a file is, in any of the spellings in use.
  private func path(_ name: String, dimensions: Int) -> String? {
    ["-idx", ".idx"]
      .flatMap { ["\(folder)/\(name)\($0)\(dimensions)-ubyte"].flatMap { [$0, $0 + ".gz"] } }
      .first { FileKind(at: $0) == .regular }
  }

  private func read(
    _ name: String, dimensions: Int
  ) throws(ConvoyError) -> (path: String, extents: [Int], data: [UInt8]) {
    guard let path = path(name, dimensions: dimensions) else {
      throw ConvoyError(
        .file,
        "‘\(folder)’ should have a file \(name)-idx\(dimensions)-ubyte or its .gz, "
          + "but has none.")
    }
    let bytes = try WholeFile.read(path, atMost: 1 << 32)
    let (extents, data) = try Malformed.explain(
      path, asNot: "an IDX file", of: [.idx, .gzip], bytes
    ) { () throws(Malformed) in
      try decode(bytes, dimensions: dimensions)
    }
    return (path, extents, data)
  }

  /// Reads a file of bytes: two zeros, the type 8, the number of dimensions, each dimension's extent
  /// in four bytes, the most significant first, and the data.
  func decode(
    _ bytes: [UInt8], dimensions: Int
  ) throws(Malformed) -> (extents: [Int], data: [UInt8]) {
    let isCompressed = bytes.starts(with: [0x1F, 0x8B])
    let headerSize = 4 + 4 * dimensions
    let header =
      isCompressed ? try gzip.prefix(of: bytes, count: headerSize) : Array(bytes.prefix(headerSize))
    let expected = [0, 0, 8, UInt8(dimensions)]
    guard header.count == headerSize, header.starts(with: expected) else {
      throw Malformed(
        "it should begin with the bytes \(expected) and \(dimensions) extents, but begins with "
          + "\(Array(header.prefix(headerSize)))")
    }
    let extents = (1...dimensions).map { dimension in
      header[(4 * dimension)..<(4 * dimension + 4)].reduce(0) { $0 << 8 | Int($1) }
    }
    guard let shape = try? Shape(validating: extents) else {
      throw Malformed("its header claims \(extents) elements, which no data set has")
    }
    let size = headerSize + shape.elementCount
    if isCompressed {
      return (extents, Array(try gzip.decompress(bytes, to: size)[headerSize...]))
    }
    guard bytes.count == size else {
      throw Malformed("\(shape) elements take \(size) bytes, but it has \(bytes.count)")
    }
    return (extents, Array(bytes[headerSize...]))
  }
}
