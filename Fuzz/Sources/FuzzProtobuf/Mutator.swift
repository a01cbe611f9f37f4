/// libFuzzer's own changes.
@_silgen_name("LLVMFuzzerMutate")
private func mutate(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ limit: Int) -> Int

nonisolated(unsafe) private var mutator = Mutator()

/// What libFuzzer calls in place of its own changes: two of three inputs are changed field by field, so that
/// all lengths still fit; the others byte by byte.
@_cdecl("LLVMFuzzerCustomMutator")
public func mutateMessage(
  _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ limit: Int, _ seed: UInt32
) -> Int {
  mutator.random = Generator(state: UInt64(seed))
  guard mutator.below(3) > 0,
    let changed = mutator.changed(Array(UnsafeBufferPointer(start: bytes, count: count))),
    changed.count <= limit
  else { return mutate(bytes, count, limit) }
  bytes.update(from: changed, count: changed.count)
  return changed.count
}

/// Makes this module part of a program, and with it the function that libFuzzer looks for.
public func useProtobufMutator() {}

/// SplitMix64.
private struct Generator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

/// Changes messages of protocol buffers.
private struct Mutator {
  var random = Generator(state: 0)
  /// Some of the fields seen so far, by depth and number: what may stand in for another.
  private var pool: [[UInt64]: [Field]] = [:]

  /// Numbers near which programs go wrong.
  private static let numbers: [Int] = [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 127, 128, 255, 256, 1 << 16, 1 << 20, (1 << 20) + 1,
    1 << 31, 1 << 32, 1 << 40, (1 << 40) + 1, 1 << 60, 1 << 62, .max, .max - 1, -1, -2, -3, -4,
    -(1 << 31), -(1 << 40), .min, .min + 1,
  ]

  mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }

  /// A message with a few changes; nil where bytes are none.
  mutating func changed(_ bytes: [UInt8]) -> [UInt8]? {
    guard let fields = Field.parse(bytes[...]), !fields.isEmpty else { return nil }
    let root = Field(0, -1, .message(fields))
    remember(root)
    for _ in 0...below(3) { change(root) }
    guard case .message(let fields) = root.content else { return nil }
    return Field.encode(fields)
  }

  private mutating func remember(_ root: Field) {
    for _ in 0..<4 {
      guard let (_, field) = pick(root), case let key = Self.key(field) else { return }
      if let known = pool[key], known.count == 64 {
        let place = below(64)
        pool[key]?[place] = field.copy()
      } else {
        pool[key, default: []].append(field.copy())
      }
    }
  }

  private static func key(_ field: Field) -> [UInt64] { [UInt64(field.depth), field.number] }

  /// Any field but the root, and the message it lies in.
  private mutating func pick(_ root: Field) -> (parent: Field, field: Field)? {
    var all: [(Field, Field)] = []
    func collect(_ parent: Field) {
      guard case .message(let fields) = parent.content else { return }
      for field in fields {
        all.append((parent, field))
        collect(field)
      }
    }
    collect(root)
    return all.isEmpty ? nil : all[below(all.count)]
  }

  private mutating func change(_ root: Field) {
    guard let (parent, field) = pick(root), case .message(var siblings) = parent.content,
      let place = siblings.firstIndex(where: { $0 === field })
    else { return }
    let known = pool[Self.key(field)] ?? []
    switch below(10) {
    case 0: siblings.remove(at: place)
    case 1: siblings.insert(field.copy(), at: below(siblings.count + 1))
    case 2: siblings.swapAt(place, below(siblings.count))
    case 3 where !known.isEmpty:
      siblings.insert(known[below(known.count)].copy(), at: below(siblings.count + 1))
    case 4, 5:
      if !known.isEmpty { field.content = known[below(known.count)].copy().content }
    default: changeContent(of: field)
    }
    parent.content = .message(siblings)
  }

  private mutating func changeContent(of field: Field) {
    switch field.content {
    case .number(let number):
      let new = Self.numbers[below(Self.numbers.count)]
      field.content = .number(
        below(3) == 0 ? number &+ UInt64(below(7)) &- 3 : UInt64(bitPattern: Int64(new)))
    case .fixed(let bytes): field.content = .fixed(Array(mutated(bytes).prefix(bytes.count)))
    case .bytes(let bytes): field.content = .bytes(mutated(bytes))
    case .message(let fields):
      if below(4) == 0 { field.content = .bytes(mutated(Field.encode(fields))) }
    }
  }

  /// Bytes with libFuzzer's changes, and as many at least.
  private func mutated(_ bytes: [UInt8]) -> [UInt8] {
    var room = bytes + Array(repeating: 0, count: 16)
    let count = room.withUnsafeMutableBufferPointer { room -> Int in
      room.baseAddress.map { mutate($0, bytes.count, room.count) } ?? 0
    }
    return Array(room.prefix(max(count, bytes.count)))
  }
}
