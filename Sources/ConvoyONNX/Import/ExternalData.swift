import ConvoyFormats
import ConvoyTensors

/// Files beside a model that hold the numbers of its tensors.
final class ExternalData: Sendable {
  /// The model's folder, which is never left.
  private let folder: String
  private let files = POSIXMutex<[String: RandomAccessFile]>([:])

  init(folder: String) { self.folder = folder }

  /// Where the bytes are that a tensor's entries (location, offset, length) name.
  func find(_ entries: [Onnx_StringStringEntryProto], byteCount: Int) throws(ConvoyError)
    -> DataInFile
  {
    let entries = Dictionary(entries.map { ($0.key, $0.value) }) { first, _ in first }
    guard let location = entries["location"] else {
      throw .refused("its numbers are kept in another file, which is not named")
    }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !location.hasPrefix("/"), !parts.contains(".."),
      !location.utf8.contains(0), !location.utf8.contains(UInt8(ascii: "\\"))
    else {
      throw .refused("its numbers are kept in ‘\(location)’, outside the model's folder")
    }
    let offset = entries["offset"].map { Int($0) } ?? 0
    let length = entries["length"].map { Int($0) } ?? byteCount
    guard let offset, let length, offset >= 0, length >= byteCount else {
      throw .refused("the place of its numbers in ‘\(location)’ is not one of \(byteCount) bytes")
    }
    let file: RandomAccessFile
    if let known = files.withLock({ $0[location] }) {
      file = known
    } else {
      file = try RandomAccessFile.open("\(folder)/\(location)", within: folder)
      files.withLock { $0[location] = file }
    }
    return DataInFile(file: file, part: try file.part(from: offset, count: byteCount))
  }
}
