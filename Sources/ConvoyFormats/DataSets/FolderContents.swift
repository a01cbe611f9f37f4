import ConvoyTensors

/// How many files of which kind a data set took from its folder, and how many it left.
///
/// Hidden files are not counted.
public struct FolderContents: Hashable, Sendable, CustomStringConvertible {
  /// The numbers of files that were taken, by the ending of their names, with its dot; `""` where there is none.
  public private(set) var taken: [String: Int] = [:]

  /// The numbers of files that were left.
  public private(set) var left: [String: Int] = [:]

  /// The folders whose files were not looked at, by their paths.
  public private(set) var passedFolders: [String] = []

  init() {}

  /// What a folder holds of which the files of some names are taken.
  init(of folder: String, taking names: Set<String>) throws(ConvoyError) {
    for name in try Folder.names(in: folder) {
      if names.contains(name) {
        take(name)
      } else {
        leave(name, in: folder)
      }
    }
  }

  mutating func take(_ name: String) { taken[Self.ending(of: name), default: 0] += 1 }

  /// Notes a file, or a folder, that was left.
  mutating func leave(_ name: String, in folder: String) {
    let path = "\(folder)/\(name)"
    if FileKind(at: path) == .folder {
      passedFolders.append(path)
    } else {
      left[Self.ending(of: name), default: 0] += 1
    }
  }

  /// The ending of a name, in lower case and with its dot.
  static func ending(of name: String) -> String {
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return "" }
    return name[dot...].lowercased()
  }

  /// A sentence that says both.
  public var description: String {
    func list(_ counts: [String: Int]) -> String {
      counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        .map { "\($1) \($0.isEmpty ? "without an ending" : $0)" }.joined(separator: ", ")
    }
    var rest = left.isEmpty ? [] : [list(left)]
    if !passedFolders.isEmpty {
      let shown = passedFolders.prefix(3).map { "‘\($0)’" }.joined(separator: ", ")
      rest.append(
        passedFolders.count > 3
          ? "\(passedFolders.count) folders (\(shown) …)"
          : (passedFolders.count == 1 ? "the folder " : "the folders ") + shown)
    }
    return
      "Files taken: \(list(taken)); left: \(rest.isEmpty ? "none" : rest.joined(separator: "; "))."
  }
}
