package import ConvoyTensors

/// A place in the memory a plan runs in: a number of bytes from one of its bases.
package struct Region: Hashable, Sendable {
  /// Which block of memory.
  package enum Base: Int, Hashable, Sendable {
    /// What one run needs; reused from step to step.
    case arena
    /// Parameters, which runs of a training step change.
    case state
    /// Packed weights, made once when compiling.
    case constants
  }

  /// Which block.
  package var base: Base
  /// Bytes from its beginning.
  package var byteOffset: Int

  /// Names a place by its distance from a base in bytes.
  package init(_ base: Base, byteOffset: Int) {
    self.base = base
    self.byteOffset = byteOffset
  }

  /// Names a place by its distance from a base in elements of a type.
  package init(_ base: Base, offset: Int, of type: ElementType = .float32) {
    self.init(base, byteOffset: offset * type.size)
  }

  /// Elements of a type from the base's beginning.
  package func offset(of type: ElementType = .float32) -> Int { byteOffset / type.size }

  /// A place some elements further on.
  package func moved(by count: Int, of type: ElementType = .float32) -> Region {
    Region(base, byteOffset: byteOffset + count * type.size)
  }
}

/// A place, and the type of what lies there: for kernels that read an integer of one type or another.
package struct TypedRegion: Hashable, Sendable {
  /// The place.
  package var region: Region
  /// The type.
  package var type: ElementType

  /// Puts both together.
  package init(_ region: Region, _ type: ElementType) {
    self.region = region
    self.type = type
  }
}

/// The blocks of memory of one run.
///
/// `@unchecked Sendable`: the pointers are shared by the threads of one run; the executor hands the
/// threads chunks of work that write to disjoint places, and waits for all before the next step.
package struct Memory: @unchecked Sendable {
  /// What one run needs.
  package var arena: UnsafeMutableRawPointer
  /// Parameters.
  package var state: UnsafeMutableRawPointer
  /// Packed weights.
  package var constants: UnsafeMutableRawPointer

  /// Puts the blocks together.
  package init(
    arena: UnsafeMutableRawPointer, state: UnsafeMutableRawPointer,
    constants: UnsafeMutableRawPointer
  ) {
    self.arena = arena
    self.state = state
    self.constants = constants
  }

  /// Where a place is in this run.
  @inlinable
  package func bytes(_ region: Region) -> UnsafeMutableRawPointer {
    switch region.base {
    case .arena: arena + region.byteOffset
    case .state: state + region.byteOffset
    case .constants: constants + region.byteOffset
    }
  }

  /// Where the 32-bit floats of a place are in this run.
  @inlinable
  package subscript(region: Region) -> UnsafeMutablePointer<Float> {
    bytes(region).assumingMemoryBound(to: Float.self)
  }

  /// Where the elements of a place are in this run.
  @inlinable
  package subscript<Element: BitwiseCopyable>(
    region: Region, as type: Element.Type
  ) -> UnsafeMutablePointer<Element> {
    bytes(region).assumingMemoryBound(to: type)
  }

  /// An integer of a place: int32, int64, or a float that is one; nil for a float that is none.
  @inlinable
  package func integer(_ place: TypedRegion, at index: Int = 0) -> Int? {
    switch place.type {
    case .int32: Int(self[place.region, as: Int32.self][index])
    case .int64: Int(self[place.region, as: Int64.self][index])
    case .float32: Int(exactly: self[place.region][index])
    default: preconditionFailure("Labels and steps are int32, int64 or float32.")
    }
  }
}

/// One piece of work, ready to run: it knows its sizes and where its numbers are, and no graph.
///
/// The work is cut into chunks that may run in any order on any thread; the cut does not depend on the
/// number of threads, so neither do the results.
package protocol Kernel: Sendable {
  /// What it is called in profiles and explanations: `portable dense`.
  var name: String { get }
  /// How it goes about this piece of work, for explanations: its tiles. Empty where there is nothing to
  /// tell.
  var detail: String { get }
  /// How many chunks.
  var chunkCount: Int { get }
  /// Floats of private memory each thread needs while it runs a chunk.
  var scratchCount: Int { get }
  /// Of a kernel that packs one parameter, the elements that a chunk reads, and perhaps some between
  /// them; nil where a chunk may read any.
  func elementsRead(chunk: Int) -> Range<Int>?
  /// Runs one chunk.
  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>)
}

extension Kernel {
  /// Most kernels do not pack.
  package func elementsRead(chunk: Int) -> Range<Int>? { nil }

  /// Most kernels have but one way.
  package var detail: String { "" }

  /// Most kernels need no private memory.
  package var scratchCount: Int { 0 }
}

/// An even cut of a number of items into chunks.
package struct Chunks: Hashable, Sendable {
  /// How many items.
  package let items: Int
  /// How many items are in a chunk; the last may have fewer.
  package let size: Int

  /// Cuts so that a chunk has about as much work as pays for handing it to another thread.
  ///
  /// - Parameter cost: what one item costs, in elementary operations, about.
  package init(items: Int, cost: Int) {
    self.items = items
    size = max(1, min(items, Chunks.worthwhile / max(cost, 1)))
  }

  /// Cuts into chunks of a size.
  init(items: Int, per size: Int) {
    self.items = items
    self.size = max(1, min(items, size))
  }

  /// Elementary operations that take some tens of microseconds.
  static let worthwhile = 1 << 15

  /// How many chunks.
  package var count: Int { max(1, (items + size - 1) / size) }

  /// The items of a chunk.
  @inlinable
  package subscript(chunk: Int) -> Range<Int> {
    min(items, chunk * size)..<min(items, (chunk + 1) * size)
  }
}
