import ConvoyCluster
import ConvoyKernels
import ConvoyTensors

/// The time of a test's ranks.
///
/// It moves on by a step whenever the thread of every rank has read it, so that no rank can fall behind the
/// others, however seldom the machine lets its thread run.
final class SteppedTime: Sendable {
  private struct State: Sendable {
    var now = 0.0
    /// The ranks whose threads run.
    var running: Set<Int>
    /// Those of them that have not read the present time.
    var unread: Set<Int>
  }

  private let step: Double
  private let state: Monitor<State>

  /// - Parameter step: seconds.
  init(ranks: Int, step: Double) {
    self.step = step
    state = Monitor(State(running: Set(0..<ranks), unread: Set(0..<ranks)))
  }

  /// The time in seconds, read by a rank's thread.
  func read(by rank: Int) -> Double {
    var now = 0.0
    state.change { state in
      now = state.now
      state.unread.remove(rank)
      moveOn(&state)
    }
    return now
  }

  /// Time waits no longer for a rank, whose thread has ended.
  func leave(_ rank: Int) {
    state.change { state in
      state.running.remove(rank)
      state.unread.remove(rank)
      moveOn(&state)
    }
  }

  /// Waits until some seconds have passed.
  func wait(_ seconds: Double) {
    let end = state.withLock { $0.now } + seconds
    state.wait { $0.now >= end }
  }

  private func moveOn(_ state: inout State) {
    guard state.unread.isEmpty else { return }
    state.now += step
    state.unread = state.running
  }
}

/// Ranks of this process, whose time limit is kept by a time of their own.
struct TestRanks: Sendable {
  let communicators: [RingCommunicator]
  let transports: [InProcessTransport]
  let time: SteppedTime
}

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
  _ ranks: TestRanks, _ body: @escaping @Sendable (RingCommunicator) -> Value
) async -> [Value] {
  let communicators = ranks.communicators
  let results = Results<Value>()
  await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
    let running = POSIXMutex(communicators.count)
    for communicator in communicators {
      let isStarted = startThread {
        results.set(communicator.rank, body(communicator))
        communicator.shutDown()
        ranks.time.leave(communicator.rank)
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

/// Ranks of this process that send pieces of a given length, some of which may be told to stop from outside.
func ranks(
  _ count: Int, pieceLength: Int = 65_536, timeLimit: Double = 15,
  isToldToStop: @escaping @Sendable (_ rank: Int) -> Bool = { _ in false }
) throws(ConvoyError) -> TestRanks {
  let transports = InProcessTransport.joined(count: count)
  // Thirty steps in the limit, in which a rank gives fifteen signs.
  let time = SteppedTime(ranks: count, step: timeLimit / 30)
  let communicators = try transports.map { transport throws(ConvoyError) in
    try RingCommunicator(
      timeLimit: timeLimit, pieceLength: pieceLength, now: { time.read(by: transport.rank) },
      isToldToStop: { isToldToStop(transport.rank) }
    ) { transport }
  }
  return TestRanks(communicators: communicators, transports: transports, time: time)
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
