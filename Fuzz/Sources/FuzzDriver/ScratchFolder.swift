import Foundation

/// A folder of this process, for readers that take a path; it goes when the process ends as it should.
public enum ScratchFolder {
  /// Where it is.
  public static let path: String = {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("convoy-fuzz-\(ProcessInfo.processInfo.processIdentifier)")
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      preconditionFailure("cannot make a folder: \(error)")
    }
    atexit { try? FileManager.default.removeItem(atPath: ScratchFolder.path) }
    return folder.path
  }()

  /// Writes a file over what it held, and gives its path.
  @discardableResult
  public static func write(_ bytes: [UInt8], as name: String) -> String {
    let file = "\(path)/\(name)"
    guard let handle = fopen(file, "wb") else { preconditionFailure("cannot write \(file)") }
    defer { fclose(handle) }
    precondition(fwrite(bytes, 1, bytes.count, handle) == bytes.count, "cannot write \(file)")
    return file
  }

  /// Removes a file, if it is there.
  public static func remove(_ name: String) { unlink("\(path)/\(name)") }
}
