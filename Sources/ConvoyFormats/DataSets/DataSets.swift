public import ConvoyTensors

/// Finding data sets by what a user types.
public enum DataSets {
  /// Opens a data set.
  ///
  /// | specification | data |
  /// |---|---|
  /// | `digits` | 1,797 handwritten digits of 8×8 pixels, which ship with Convoy |
  /// | `gratings` | made-up oriented, coloured gratings, for filter groups to divide between them |
  /// | a folder | CIFAR-10 or CIFAR-100 (binary version), MNIST or Fashion-MNIST (IDX files, plain or .gz), or a folder of pictures for each class |
  ///
  /// Any takes `?size=…`, the height and width its images are brought to; `gratings` also takes
  /// `classes` (2…64, 16 if not given), `count` (of images to train on, 8000; a quarter as many are
  /// for the test) and `seed` (1), as in `gratings?size=48&classes=9`. Pictures come in 64×64 unless
  /// a size is given, gratings in 32×32, all others as they are stored. A folder that is
  /// called `digits` is opened as `./digits`.
  ///
  /// - Parameters:
  ///   - specification: what to open.
  ///   - size: the height and width of the images where the specification does not give it.
  /// - Throws: `ConvoyError` of kind `.argument` when it is none of these, `.file` or `.format` when
  ///   a file is missing, unreadable or damaged, `.resource` when a library is missing.
  public static func open(_ specification: String, size: Int? = nil) throws(ConvoyError)
    -> DataSplits
  {
    if let size, !sizes.contains(size) {
      throw ConvoyError(
        .argument,
        "Images can have \(sizes.lowerBound) to \(sizes.upperBound) pixels a side, got \(size).")
    }
    // A folder's name may itself contain a question mark.
    if FileKind(at: specification) == .folder, !names.contains(specification) {
      return try open(folder: specification, size: size)
    }
    let parsed = try Specification(parsing: specification)
    if parsed.name == "gratings" { return try Gratings.splits(parsed, size: size) }
    guard parsed.name == "digits" || FileKind(at: parsed.name) == .folder else {
      throw ConvoyError(
        .argument, "‘\(parsed.name)’ is no data set that Convoy knows: expected \(known).")
    }
    try parsed.requireKeys(among: ["size"])
    let size = try parsed.integer("size", in: sizes) ?? size
    return parsed.name == "digits"
      ? try resized(Digits.splits(), size) : try open(folder: parsed.name, size: size)
  }

  /// The names that mean no folder.
  private static let names = ["digits", "gratings"]

  /// The heights and widths that images can be brought to.
  static let sizes = 1...4096

  private static let known = """
    ‘digits’, ‘gratings’, or a folder with the files of CIFAR-10 or CIFAR-100 (binary version), of \
    MNIST (IDX files), or with a folder of PNG, JPEG, PGM or PPM pictures for each class
    """

  private static func open(folder: String, size: Int?) throws(ConvoyError) -> DataSplits {
    for kind in [CIFAR.ten, CIFAR.hundred] where kind.isIn(folder) {
      return resized(try kind.splits(in: folder), size)
    }
    let idx = IDX(folder: folder)
    if idx.isThere { return resized(try idx.splits(), size) }
    if let splits = try ImageFolder.splits(in: folder, size: size ?? 64) { return splits }
    throw ConvoyError(
      .argument, "The folder ‘\(folder)’ holds nothing that Convoy knows: expected \(known).")
  }

  private static func resized(_ splits: DataSplits, _ size: Int?) -> DataSplits {
    let shape = splits.training.imageShape
    guard let size, shape[1] != size || shape[2] != size else { return splits }
    return splits.map { ResizedDataSet($0, size: size) }
  }
}
