import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Packed weights that several plans share: those of one network at several sizes.
///
/// Every compilation is given the same object (`CompileOptions.sharedWeights`). Weights that are
/// packed into the same bytes are then in memory once; what a plan packs in another form, as its
/// kernels may need at another size, is its own. Weights live as long as a plan that reads them:
/// this object alone keeps none.
public final class SharedWeights: Sendable {
  /// What is known of packed weights without reading them.
  private struct Key: Hashable {
    var byteCount: Int
    var hash: Int
  }

  /// Packed weights in a plan's block.
  private struct Place {
    weak var block: MemoryBlock?
    var offset: Int
  }

  private let places = POSIXMutex<[Key: [Place]]>([:])

  /// An object that no plan shares yet.
  public init() {}

  /// Where some bytes are that equal those at a place, if anywhere; otherwise the place is added.
  ///
  /// - Parameter offset: where they begin in the block; they do not change any more.
  /// - Complexity: O(*n*) in the number of bytes.
  func find(
    _ byteCount: Int, at offset: Int, of block: MemoryBlock
  ) -> (block: MemoryBlock, offset: Int)? {
    let bytes = UnsafeRawBufferPointer(start: block.address + offset, count: byteCount)
    var hasher = Hasher()
    hasher.combine(bytes: bytes)
    let key = Key(byteCount: byteCount, hash: hasher.finalize())
    return places.withLock { places in
      // Weights whose plans are gone are forgotten here.
      var known = (places[key] ?? []).filter { $0.block != nil }
      defer { places[key] = known }
      for place in known {
        guard let other = place.block else { continue }
        let candidate = other.address + place.offset
        if memcmp(candidate, block.address + offset, byteCount) == 0 {
          return (other, place.offset)
        }
      }
      known.append(Place(block: block, offset: offset))
      return nil
    }
  }
}

/// The constants of a plan: packed weights, most of them in a block of its own, some where another
/// plan has them.
struct Constants: Sendable {
  /// The block that offsets count from.
  let block: MemoryBlock
  /// Bytes of all constants.
  private(set) var byteCount = 0
  /// Bytes of those that are in memory for another reader.
  private(set) var sharedByteCount = 0
  /// The blocks of other plans that some are in.
  private var others: [ObjectIdentifier: MemoryBlock] = [:]
  private let shared: SharedWeights?

  /// Smaller constants are not shared: for their sake, a plan would keep another's block.
  private static let leastShared = 1 << 12

  /// - Parameter byteCount: the bytes of all constants, if none are shared.
  /// - Throws: `ConvoyError` when the machine has less memory.
  init(byteCount: Int, sharing shared: SharedWeights?) throws(ConvoyError) {
    block = try MemoryBlock(byteCount: byteCount, for: "The packed weights")
    self.shared = shared
  }

  /// The offset in the block at which the next constant is to be written.
  var next: Int { byteCount - sharedByteCount }

  /// Keeps the constant that has been written at `next`, or gives its place up for one with the
  /// same bytes.
  ///
  /// - Returns: where it is read: bytes from the block's beginning, perhaps to another block.
  mutating func keep(byteCount count: Int) -> Int {
    let offset = next
    byteCount += Program.aligned(count)
    guard let shared, count >= Constants.leastShared,
      let found = shared.find(count, at: offset, of: block)
    else { return offset }
    sharedByteCount += Program.aligned(count)
    if found.block !== block { others[ObjectIdentifier(found.block)] = found.block }
    // What is written here next counts on zeros.
    (block.address + offset).initializeMemory(as: UInt8.self, repeating: 0, count: count)
    return found.block.address + found.offset - block.address
  }

  /// Gives the memory back that the constants did not need.
  func finish() { block.discard(from: next) }
}
