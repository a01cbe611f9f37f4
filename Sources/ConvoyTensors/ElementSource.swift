/// A source from which a tensor's elements are read or computed when they are needed, such as a
/// part of a file.
public protocol ElementSource: Sendable {
  /// Writes some of the elements; may be called more than once, and from any thread.
  ///
  /// - Parameters:
  ///   - part: the row-major indices of the elements.
  ///   - elements: the memory to write to, with as many elements as the part.
  /// - Throws: `ConvoyError` when they cannot be read.
  func read(
    _ part: Range<Int>, into elements: UnsafeMutableBufferPointer<Float>
  ) throws(ConvoyError)
}

/// Elements that are not in memory until they are kept there.
final class ElementsElsewhere: Sendable {
  private let source: any ElementSource
  private let count: Int
  private let read = POSIXMutex<[Float]?>(nil)

  init(_ source: any ElementSource, count: Int) {
    self.source = source
    self.count = count
  }

  var isUnread: Bool { read.withLock { $0 == nil } }

  /// The elements, which this keeps in memory.
  var kept: [Float] {
    read.withLock { read in
      if let read { return read }
      AvailableMemory.claim(count * MemoryLayout<Float>.size, for: "\(count) elements")
      let made = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
        do throws(ConvoyError) {
          try source.read(0..<count, into: buffer)
        } catch {
          preconditionFailure("A tensor's elements cannot be read: \(error.message)")
        }
        initialized = count
      }
      read = made
      return made
    }
  }

  func copy(
    _ part: Range<Int>, to memory: UnsafeMutableBufferPointer<Float>
  ) throws(ConvoyError) {
    if let made = read.withLock({ $0 }) {
      _ = memory.update(fromContentsOf: made[part])
    } else {
      try source.read(part, into: UnsafeMutableBufferPointer(rebasing: memory[..<part.count]))
    }
  }
}
