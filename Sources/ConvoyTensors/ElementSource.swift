/// Where a tensor's elements are read from, or made, when they are needed: a part of a file, say.
public protocol ElementSource: Sendable {
  /// Writes some of the elements, which are counted in row-major order; may be called more than once, and
  /// from any thread.
  ///
  /// - Parameters:
  ///   - part: which elements.
  ///   - elements: where to, as many as the part has.
  /// - Throws: `ConvoyError` when they cannot be read.
  func read(
    _ part: Range<Int>, into elements: UnsafeMutableBufferPointer<Float>
  ) throws(ConvoyError)
}

/// Elements that are not in memory until somebody keeps them there.
final class ElementsElsewhere: Sendable {
  private let source: any ElementSource
  private let count: Int
  private let read = POSIXMutex<[Float]?>(nil)

  init(_ source: any ElementSource, count: Int) {
    self.source = source
    self.count = count
  }

  var isUnread: Bool { read.withLock { $0 == nil } }

  /// The elements, from now on in memory.
  var kept: [Float] {
    read.withLock { read in
      if let read { return read }
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
