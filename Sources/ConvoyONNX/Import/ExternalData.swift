import ConvoyFormats
import ConvoyTensors

/// Files beside a model that hold the numbers of its tensors.
struct ExternalData {
  /// The model's folder, which is never left.
  let folder: String

  /// The bytes that a tensor's entries (location, offset, length) name.
  func read(_ entries: [Onnx_StringStringEntryProto], byteCount: Int) throws -> [UInt8] {
    let entries = Dictionary(entries.map { ($0.key, $0.value) }) { first, _ in first }
    guard let location = entries["location"] else {
      throw Refusal("its numbers are kept in another file, which is not named")
    }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !location.hasPrefix("/"), !parts.contains(".."),
      !location.utf8.contains(0), !location.utf8.contains(UInt8(ascii: "\\"))
    else {
      throw Refusal("its numbers are kept in ‘\(location)’, outside the model's folder")
    }
    let offset = entries["offset"].map { Int($0) } ?? 0
    let length = entries["length"].map { Int($0) } ?? byteCount
    guard let offset, let length, offset >= 0, length >= byteCount else {
      throw Refusal("the place of its numbers in ‘\(location)’ is not one of \(byteCount) bytes")
    }
    return try PartOfFile.read(
      "\(folder)/\(location)", within: folder, offset: offset, count: byteCount)
  }
}
