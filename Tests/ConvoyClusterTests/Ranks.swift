import ConvoyCluster
import ConvoyKernels
import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Gathers what threads leave behind.
final class Results<Value: Sendable>: Sendable {
  private let values: POSIXMutex<[Int: Value]>
  init() { values = POSIXMutex([:]) }
  func set(_ index: Int, _ value: Value) { values.withLock { $0[index] = value } }
  var inOrder: [Value] {
    values.withLock { values in values.keys.sorted().compactMap { values[$0] } }
  }
}

/// Runs a body on a thread for each rank, closes the connection when all have come to their end, and returns
/// what the bodies did, rank by rank.
func onRanks<Value: Sendable>(
  _ communicators: [RingCommunicator],
  _ body: @escaping @Sendable (RingCommunicator) -> Value
) async -> [Value] {
  let results = Results<Value>()
  await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
    let running = POSIXMutex(communicators.count)
    for communicator in communicators {
      let isStarted = startThread {
        results.set(communicator.rank, body(communicator))
        communicator.shutDown()
        let left = running.withLock { count in
          count -= 1
          return count
        }
        if left == 0 { continuation.resume() }
      }
      precondition(isStarted)
    }
  }
  return results.inOrder
}

/// Ranks of this process that send pieces of a given length.
func ranks(
  _ count: Int, pieceLength: Int = 65_536, timeLimit: Double = 15
) throws -> (communicators: [RingCommunicator], transports: [InProcessTransport]) {
  let transports = InProcessTransport.joined(count: count)
  let communicators = try transports.map { transport in
    try RingCommunicator(timeLimit: timeLimit, pieceLength: pieceLength) { transport }
  }
  return (communicators, transports)
}

/// Numbers that a rank starts with: the same wherever they are asked for.
func numbers(_ count: Int, rank: Int, seed: UInt64) -> [Float] {
  var random = Random(seed: seed, stream: UInt64(rank))
  return (0..<count).map { _ in random.uniform() - 0.5 }
}

extension Collective {
  /// What a rank must have, computed in Double from all ranks' numbers.
  func expected(rank: Int, inputs: [[Float]]) -> [Double] {
    func sum(_ range: Range<Int>) -> [Double] {
      range.map { index in inputs.reduce(0) { $0 + Double($1[index]) } }
    }
    switch self {
    case .allReduce(let count): return sum(0..<count)
    case .allGather: return inputs.flatMap { $0.map(Double.init) }
    case .reduceScatter(let count): return sum(rank * count..<(rank + 1) * count)
    case .broadcast(_, let root): return inputs[root].map(Double.init)
    }
  }

  /// Whether results are copies, and so exact.
  var isExact: Bool {
    switch self {
    case .allReduce, .reduceScatter: false
    case .allGather, .broadcast: true
    }
  }

  /// A collective of a random sort and count.
  static func random(upTo count: Int, ranks: Int, using random: inout Random) -> Collective {
    let length = random.below(4) == 0 ? random.below(4) : random.below(count + 1)
    switch random.below(4) {
    case 0: return .allReduce(count: length)
    case 1: return .allGather(count: length)
    case 2: return .reduceScatter(count: length)
    default: return .broadcast(count: length, root: random.below(ranks))
    }
  }
}

/// A collective's numbers on one rank, in memory that stays where it is.
///
/// `@unchecked Sendable`: used by one thread.
final class Work: @unchecked Sendable {
  let collective: Collective
  private let counts: (input: Int, output: Int)
  private let source: UnsafeMutableBufferPointer<Float>
  private let destination: UnsafeMutableBufferPointer<Float>
  private let inPlace: Bool

  init(_ collective: Collective, on communicator: any Communicator, inPlace: Bool, seed: UInt64) {
    self.collective = collective
    self.inPlace = inPlace
    counts = collective.counts(ranks: communicator.count)
    let longest = max(counts.input, counts.output, 1)
    source = .allocate(capacity: longest)
    destination = inPlace ? source : .allocate(capacity: longest)
    destination.initialize(repeating: .nan)
    source.initialize(repeating: .nan)
    let own = numbers(counts.input, rank: communicator.rank, seed: seed)
    for (index, number) in own.enumerated() { source[index] = number }
  }

  deinit {
    source.deallocate()
    if !inPlace { destination.deallocate() }
  }

  func begin(tag: Int, on communicator: any Communicator) {
    guard let from = source.baseAddress, let to = destination.baseAddress else { return }
    communicator.begin(collective, tag: tag, from: from, to: to)
  }

  var result: [Float] { Array(destination[..<counts.output]) }
  var input: [Float] { Array(source[..<counts.input]) }
}

/// Rests for about ten milliseconds.
func rest() { usleep(10_000) }
