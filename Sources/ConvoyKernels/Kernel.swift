package import ConvoyTensors

/// An address in the memory of a plan: a base and a distance in bytes from its beginning.
package struct Region: Hashable, Sendable {
  /// The block of memory that a region is in.
  package enum Base: Int, Hashable, Sendable {
    /// The activations of one run; reused from step to step and from run to run.
    case arena
    /// Parameters, which the runs of a training step change.
    case state
    /// Packed weights, made once when compiling.
    case constants
  }

  /// The block of memory.
  package var base: Base
  /// Bytes from the block's beginning.
  package var byteOffset: Int

  /// A region at a distance from a base in bytes.
  package init(_ base: Base, byteOffset: Int) {
    self.base = base
    self.byteOffset = byteOffset
  }

  /// A region at a distance from a base in elements of a type.
  package init(_ base: Base, offset: Int, of type: ElementType = .float32) {
    self.init(base, byteOffset: offset * type.size)
  }

  /// The distance from the base's beginning in elements of a type.
  package func offset(of type: ElementType = .float32) -> Int { byteOffset / type.size }

  /// The region that begins a number of elements later.
  package func moved(by count: Int, of type: ElementType = .float32) -> Region {
    Region(base, byteOffset: byteOffset + count * type.size)
  }
}

/// A region and the type of its elements, for kernels that read an integer of any type.
package struct TypedRegion: Hashable, Sendable {
  /// The region.
  package var region: Region
  /// The type of its elements.
  package var type: ElementType

  /// A region of elements of a type.
  package init(_ region: Region, _ type: ElementType) {
    self.region = region
    self.type = type
  }
}

/// The blocks of memory of one run.
///
/// `@unchecked Sendable`: the threads of one run share the pointers. The executor gives the threads
/// chunks of a step that write to disjoint regions, and begins the next step only when all chunks
/// are done.
package struct Memory: @unchecked Sendable {
  /// The activations of the run.
  package var arena: UnsafeMutableRawPointer
  /// Parameters.
  package var state: UnsafeMutableRawPointer
  /// Packed weights.
  package var constants: UnsafeMutableRawPointer

  /// Memory in the given blocks.
  package init(
    arena: UnsafeMutableRawPointer, state: UnsafeMutableRawPointer,
    constants: UnsafeMutableRawPointer
  ) {
    self.arena = arena
    self.state = state
    self.constants = constants
  }

  /// The address of a region in this run.
  @inlinable
  package func bytes(_ region: Region) -> UnsafeMutableRawPointer {
    switch region.base {
    case .arena: arena + region.byteOffset
    case .state: state + region.byteOffset
    case .constants: constants + region.byteOffset
    }
  }

  /// The address of a region's 32-bit floats in this run.
  @inlinable
  package subscript(region: Region) -> UnsafeMutablePointer<Float> {
    bytes(region).assumingMemoryBound(to: Float.self)
  }

  /// The address of a region's elements in this run.
  @inlinable
  package subscript<Element: BitwiseCopyable>(
    region: Region, as type: Element.Type
  ) -> UnsafeMutablePointer<Element> {
    bytes(region).assumingMemoryBound(to: type)
  }

  /// The integer at a region: an int32, an int64, or a float with an integral value; nil for any
  /// other float.
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

/// One step of a plan, ready to run. A kernel has its sizes and the regions of its operands; it
/// does not refer to the graph.
///
/// The work is divided into chunks, which may run in any order on any thread. The division does not
/// depend on the number of threads, and so the results do not either.
package protocol Kernel: Sendable {
  /// The kernel's name in profiles and explanations: `portable dense`.
  var name: String { get }
  /// The tiles of the kernel, for explanations; empty for kernels without tiles.
  var detail: String { get }
  /// The number of chunks.
  var chunkCount: Int { get }
  /// The floats of scratch memory that each thread needs while it runs a chunk.
  var scratchCount: Int { get }
  /// For a kernel that packs a single parameter: a range that includes every element the chunk
  /// reads. Nil where the chunk may read any element.
  func elementsRead(chunk: Int) -> Range<Int>?
  /// Runs one chunk.
  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>)
}

extension Kernel {
  /// Nil: most kernels do not pack.
  package func elementsRead(chunk: Int) -> Range<Int>? { nil }

  /// Empty: most kernels have no tiles.
  package var detail: String { "" }

  /// 0: most kernels need no scratch memory.
  package var scratchCount: Int { 0 }
}

/// An even division of a number of items into chunks.
package struct Chunks: Hashable, Sendable {
  /// The number of items.
  package let items: Int
  /// The items of each chunk but the last, which may have fewer.
  package let size: Int

  /// Divides items into chunks that are large enough to be worth handing to another thread.
  ///
  /// - Parameter cost: the approximate cost of one item, in elementary operations.
  package init(items: Int, cost: Int) {
    self.items = items
    size = max(1, min(items, Chunks.worthwhile / max(cost, 1)))
  }

  /// Divides items into chunks of a given size.
  init(items: Int, per size: Int) {
    self.items = items
    self.size = max(1, min(items, size))
  }

  /// The elementary operations of a chunk that takes some tens of microseconds.
  static let worthwhile = 1 << 15

  /// The number of chunks.
  package var count: Int { max(1, (items + size - 1) / size) }

  /// The items of a chunk.
  @inlinable
  package subscript(chunk: Int) -> Range<Int> {
    min(items, chunk * size)..<min(items, (chunk + 1) * size)
  }
}
