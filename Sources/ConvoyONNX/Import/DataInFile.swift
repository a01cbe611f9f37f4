import ConvoyFormats
import ConvoyTensors

/// An initialiser's bytes, still in a file.
struct DataInFile {
  let file: RandomAccessFile
  let part: Range<Int>

  /// As many numbers as fill the part: whole ones are read, floats left where they are.
  ///
  /// - Precondition: the shape has as many.
  func numbers(_ shape: Shape, _ type: ElementType) throws(ConvoyError) -> Tensor {
    if type.isFloating { return Tensor(shape, from: FloatsInFile(data: self, type: type)) }
    return try file.bytes(part).withUnsafeBytes { Tensor(shape, type: type, littleEndian: $0) }
  }
}

/// Floats of any precision that are read from a file when they are needed.
private struct FloatsInFile: ElementSource {
  let data: DataInFile
  let type: ElementType

  func read(
    _ part: Range<Int>, into elements: UnsafeMutableBufferPointer<Float>
  ) throws(ConvoyError) {
    let start = data.part.lowerBound + part.lowerBound * type.size
    if type == .float32, 1.littleEndian == 1 {
      return try data.file.read(from: start, into: UnsafeMutableRawBufferPointer(elements))
    }
    let bytes = try data.file.bytes(start..<start + part.count * type.size)
    let floats = bytes.withUnsafeBytes { type.floats(littleEndian: $0) }
    _ = elements.update(fromContentsOf: floats)
  }
}
