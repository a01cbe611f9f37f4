import ConvoyTensors

/// CIFAR-10 and CIFAR-100 in their binary version: colour images of 32×32 pixels.
///
/// A file is a row of records, each a label (CIFAR-100: the coarse one, then the fine one) and 1,024
/// bytes of red, of green and of blue.
///
/// Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and the
/// description at cs.toronto.edu/~kriz/cifar.html.
struct CIFAR {
  private let name: String
  private let trainingFiles: [String]
  private let testFile: String
  private let namesFile: String
  private let classNames: [String]
  /// How many bytes of labels a record begins with; the last of them counts.
  private let labelSize: Int

  static let ten = CIFAR(
    name: "cifar-10", trainingFiles: (1...5).map { "data_batch_\($0).bin" },
    testFile: "test_batch.bin", namesFile: "batches.meta.txt",
    classNames: [
      "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ], labelSize: 1)

  static let hundred = CIFAR(
    name: "cifar-100", trainingFiles: ["train.bin"], testFile: "test.bin",
    namesFile: "fine_label_names.txt", classNames: (0..<100).map { "class \($0)" }, labelSize: 2)

  /// Whether a folder has the first of the files.
  func isIn(_ folder: String) -> Bool {
    FileKind(at: "\(folder)/\(trainingFiles[0])") == .regular
  }

  /// Reads the files of a folder.
  func splits(in folder: String) throws(ConvoyError) -> DataSplits {
    let classNames = try names(in: folder)
    return DataSplits(
      training: try read(trainingFiles.map { "\(folder)/\($0)" }, classNames),
      test: try read(["\(folder)/\(testFile)"], classNames),
      contents: try FolderContents(
        of: folder, taking: Set(trainingFiles + [testFile, namesFile])))
  }

  /// The names of the classes, from their file where there is one: a line each.
  private func names(in folder: String) throws(ConvoyError) -> [String] {
    let path = "\(folder)/\(namesFile)"
    guard FileKind(at: path) == .regular else { return classNames }
    let text = try WholeFile.text(path, atMost: 1 << 20)
    let names = text.split(whereSeparator: \.isNewline).map { String($0) }
      .filter { !$0.allSatisfy(\.isWhitespace) }
    guard names.count == classNames.count else {
      throw ConvoyError(
        .format,
        "‘\(path)’ should name \(classNames.count) classes, a line each, but names \(names.count).")
    }
    return names
  }

  private func read(_ paths: [String], _ classNames: [String]) throws(ConvoyError) -> StoredDataSet
  {
    let imageSize = 3 * 32 * 32
    let recordSize = labelSize + imageSize
    var pixels: [UInt8] = []
    var labels: [UInt8] = []
    for path in paths {
      let bytes = try WholeFile.read(path, atMost: 1 << 30)
      guard !bytes.isEmpty, bytes.count % recordSize == 0 else {
        throw ConvoyError(
          .format,
          "‘\(path)’ should hold whole records of \(recordSize) bytes, but has \(bytes.count) bytes."
        )
      }
      pixels.reserveCapacity(paths.count * bytes.count)
      for start in stride(from: 0, to: bytes.count, by: recordSize) {
        let label = bytes[start + labelSize - 1]
        guard label < classNames.count else {
          throw ConvoyError(
            .format,
            "‘\(path)’ should hold labels 0…\(classNames.count - 1), but record "
              + "\(start / recordSize) has \(label).")
        }
        labels.append(label)
        pixels.append(contentsOf: bytes[(start + labelSize)...].prefix(imageSize))
      }
    }
    return StoredDataSet(
      name: name, classNames: classNames, imageShape: [3, 32, 32], pixels: pixels, labels: labels)
  }
}
