import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// The identity of a buffer of a program.
struct BufferID: Hashable, Sendable {
  let index: Int
}

/// A piece of the memory that a program uses.
struct Buffer: Sendable {
  /// The block that it is in.
  var base: Region.Base
  /// Its size in bytes.
  var byteCount: Int
  /// Its layout, with offsets from its own beginning, if it holds planes.
  var planes: PlaneLayout?
  /// The planes of other buffers that it consists of, if it is a view.
  var view: [(buffer: BufferID, plane: Int)] = []
  /// The buffer that it is another layout of, if it is an alias.
  var original: BufferID?
  /// Its offset in its block in bytes: known from the start for state, planned for the arena, and
  /// settled for constants when they are written.
  var offset: Int?
}

/// A step of a program before its buffers are placed: it reads some buffers and writes others. Its
/// kernel is made once their addresses are known.
struct StepDraft: Sendable {
  var name: String
  var reads: [BufferID]
  var writes: [BufferID]
  /// The decision of a catalog, where there was a choice.
  var decision: Decision?
  var make: @Sendable (Placement) -> any Kernel
}

/// The placement of a program's buffers.
struct Placement: Sendable {
  let buffers: [Buffer]

  /// The region of a buffer.
  func region(_ id: BufferID) -> Region {
    let buffer = buffers[id.index]
    precondition(buffer.view.isEmpty, "A view has no beginning.")
    if let original = buffer.original { return region(original) }
    guard let offset = buffer.offset else {
      preconditionFailure("A kernel is made before its buffers have their places.")
    }
    return Region(buffer.base, byteOffset: offset)
  }

  /// The beginning of the block of a buffer: the base of the offsets in `planes`.
  func base(_ id: BufferID) -> Region { Region(buffers[id.index].base, byteOffset: 0) }

  /// The offsets of a buffer's planes.
  func places(_ id: BufferID) -> PlanePlaces { PlanePlaces(planes(id), at: base(id)) }

  /// A buffer's planes, with offsets from the beginning of its block.
  func planes(_ id: BufferID) -> PlaneLayout {
    guard let planes = buffers[id.index].planes else {
      preconditionFailure("A buffer was asked for planes it does not hold.")
    }
    let view = buffers[id.index].view
    if !view.isEmpty {
      var layout = planes
      layout.planes = view.map { self.planes($0.buffer).planes[$0.plane] }
      return layout
    }
    return planes.moved(by: region(id).offset())
  }
}

/// A lowered graph before memory is planned: buffers, and steps that use them in order.
struct Program: Sendable {
  var buffers: [Buffer] = []
  var steps: [StepDraft] = []
  /// Steps that are run once, when compiling.
  var preparations: [StepDraft] = []
  /// Bytes of packed weights.
  var constantByteCount = 0
  /// Bytes of parameters.
  var stateByteCount = 0

  mutating func add(_ buffer: Buffer) -> BufferID {
    buffers.append(buffer)
    return BufferID(index: buffers.count - 1)
  }

  /// A buffer for elements that a run computes.
  mutating func arena(count: Int, of type: ElementType = .float32) -> BufferID {
    add(Buffer(base: .arena, byteCount: count * type.size))
  }

  /// A buffer for planes that a run computes.
  mutating func arena(_ planes: PlaneLayout) -> BufferID {
    add(
      Buffer(
        base: .arena, byteCount: planes.elementCount * ElementType.float32.size, planes: planes))
  }

  /// A buffer that consists of planes of others, all of the same geometry.
  mutating func view(_ view: ChannelView, of inputs: [BufferID]) -> BufferID {
    let layouts = inputs.map { planes(of: $0) }
    let orders = layouts.map(\.order)
    let parts = view.planes(of: orders).flatMap { part -> [(buffer: BufferID, plane: Int)] in
      let inner = buffers[inputs[part.source].index].view
      return [inner.isEmpty ? (inputs[part.source], part.plane) : inner[part.plane]]
    }
    return add(
      Buffer(
        base: .arena, byteCount: 0, planes: layouts[0].arranged(view.order(of: orders)), view: parts
      ))
  }

  /// An alias of a buffer, with a layout in which its numbers can be read as planes.
  mutating func alias(of original: BufferID, as planes: PlaneLayout) -> BufferID {
    let buffer = buffers[original.index]
    return add(
      Buffer(base: buffer.base, byteCount: buffer.byteCount, planes: planes, original: original))
  }

  /// The planes of a buffer, with offsets from its own beginning.
  func planes(of buffer: BufferID) -> PlaneLayout {
    guard let planes = buffers[buffer.index].planes else {
      preconditionFailure("A buffer was asked for planes it does not hold.")
    }
    return planes
  }

  /// A buffer for elements that are computed once, when compiling.
  mutating func constant(count: Int, of type: ElementType = .float32) -> BufferID {
    constantByteCount += Program.aligned(count * type.size)
    return add(Buffer(base: .constants, byteCount: count * type.size))
  }

  /// Checks that every step reads only what is given or written by an earlier step.
  ///
  /// - Parameter given: the arena's buffers that are initialised before the first step.
  /// - Throws: `ConvoyError` naming the first step that reads anything else, which is an error in a
  ///   lowering.
  func verify(given: [BufferID]) throws(ConvoyError) {
    var written = Set(given)
    func isThere(_ id: BufferID) -> Bool {
      let buffer = buffers[id.index]
      if buffer.base != .arena || written.contains(id) { return true }
      if let original = buffer.original { return isThere(original) }
      return !buffer.view.isEmpty && buffer.view.allSatisfy { isThere($0.buffer) }
    }
    for step in steps {
      for read in step.reads where !isThere(read) {
        throw ConvoyError(.graph, "\(step.name) reads buffer \(read.index) before it is written.")
      }
      written.formUnion(step.writes)
    }
  }

  /// The size rounded up to a multiple of 64 bytes, a cache line, at which buffers begin.
  static func aligned(_ byteCount: Int) -> Int { (byteCount + 63) & ~63 }
}
