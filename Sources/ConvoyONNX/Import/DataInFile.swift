import ConvoyFormats
import ConvoyTensors

/// An initialiser's bytes, still in a file.
struct DataInFile {
  let file: RandomAccessFile
  let part: Range<Int>

  /// As many numbers as fill the part: whole ones are read, floats left where they are.
  ///
  /// - Precondition: the extents have as many.
  func numbers(_ extents: [Int], _ type: ElementType, source: String?) throws(ConvoyError)
    -> ConstantTensor
  {
    if type.isFloating, let shape = try? Shape(validating: extents) {
      return ConstantTensor(
        Tensor(shape, from: FloatsInFile(data: self, type: type)), source: source)
    }
    let elements = try file.bytes(part).withUnsafeBytes {
      type.elements(from: $0)
    }
    return ConstantTensor(extents, elements, source: source)
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
    let converted = bytes.withUnsafeBytes { type.elements(from: $0) }
    guard case .floats(let floats) = converted else {
      preconditionFailure("Only floats are read when they are needed.")
    }
    _ = elements.update(fromContentsOf: floats)
  }
}
