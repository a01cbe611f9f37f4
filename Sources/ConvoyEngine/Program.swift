import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// Names a buffer of a program.
struct BufferID: Hashable, Sendable {
  let index: Int
}

/// A piece of memory a program works with.
struct Buffer: Sendable {
  /// Which block it lies in.
  var base: Region.Base
  /// Bytes it takes.
  var byteCount: Int
  /// Its layout, from its own beginning, if it holds planes.
  var planes: PlaneLayout?
  /// If it is only a view, the planes of other buffers that it consists of.
  var view: [(buffer: BufferID, plane: Int)] = []
  /// If it is another buffer by another layout, that buffer.
  var original: BufferID?
  /// The byte of its block at which it begins: known from the start for state and constants, planned for
  /// the arena.
  var offset: Int?
}

/// One step of a program: reads some buffers, writes others; its kernel is made once it is settled where
/// they are.
struct StepDraft: Sendable {
  var name: String
  var reads: [BufferID]
  var writes: [BufferID]
  /// What a catalog decided for it, where there was a choice.
  var decision: Decision?
  var make: @Sendable (Placement) -> any Kernel
}

/// Where a program's buffers are.
struct Placement: Sendable {
  let buffers: [Buffer]

  /// The beginning of a buffer.
  func region(_ id: BufferID) -> Region {
    let buffer = buffers[id.index]
    precondition(buffer.view.isEmpty, "A view has no beginning.")
    if let original = buffer.original { return region(original) }
    guard let offset = buffer.offset else {
      preconditionFailure("A kernel is made before its buffers have their places.")
    }
    return Region(buffer.base, byteOffset: offset)
  }

  /// The beginning of the block a buffer lies in: what `planes` counts from.
  func base(_ id: BufferID) -> Region { Region(buffers[id.index].base, byteOffset: 0) }

  /// Where a buffer's planes are.
  func places(_ id: BufferID) -> PlanePlaces { PlanePlaces(planes(id), at: base(id)) }

  /// A buffer's planes, from the beginning of its block.
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

/// What a graph becomes before memory is planned: buffers, and steps that work on them in order.
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

  /// A buffer for elements that one run makes.
  mutating func arena(count: Int, of type: ElementType = .float32) -> BufferID {
    add(Buffer(base: .arena, byteCount: count * type.size))
  }

  /// A buffer for planes that one run makes.
  mutating func arena(_ planes: PlaneLayout) -> BufferID {
    add(
      Buffer(
        base: .arena, byteCount: planes.elementCount * ElementType.float32.size, planes: planes))
  }

  /// A buffer that consists of planes of others, of the same geometry.
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

  /// A buffer by a layout that says how its numbers can be read as planes.
  mutating func alias(of original: BufferID, as planes: PlaneLayout) -> BufferID {
    let buffer = buffers[original.index]
    return add(
      Buffer(base: buffer.base, byteCount: buffer.byteCount, planes: planes, original: original))
  }

  /// The planes of a buffer, from its own beginning.
  func planes(of buffer: BufferID) -> PlaneLayout {
    guard let planes = buffers[buffer.index].planes else {
      preconditionFailure("A buffer was asked for planes it does not hold.")
    }
    return planes
  }

  /// A buffer for elements that are made once, when compiling.
  mutating func constant(count: Int, of type: ElementType = .float32) -> BufferID {
    let offset = constantByteCount
    constantByteCount += Program.aligned(count * type.size)
    return add(Buffer(base: .constants, byteCount: count * type.size, offset: offset))
  }

  /// Checks that every step reads what is given or what an earlier step has written.
  ///
  /// - Parameter given: the arena's buffers that hold something before the first step.
  /// - Throws: `ConvoyError` naming the first step that does not: a mistake of a lowering.
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

  /// Buffers begin at multiples of 64 bytes, a cache line.
  static func aligned(_ byteCount: Int) -> Int { (byteCount + 63) & ~63 }
}
