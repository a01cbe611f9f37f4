import ConvoyCluster
import ConvoyKernels
import ConvoyTensors

/// A collective under way, and what it must give. Numbers are small and whole, so that sums are exact.
private final class Trial {
  let collective: Collective
  private let inPlace: Bool
  private let source: UnsafeMutablePointer<Float>
  private let destination: UnsafeMutablePointer<Float>
  private let expected: [Float]

  init(_ collective: Collective, inPlace: Bool, rank: Int, ranks: Int) {
    self.collective = collective
    self.inPlace = inPlace
    let inputCount: Int
    switch collective {
    case .allReduce(let count):
      inputCount = count
      expected = (0..<count).map { index in Trial.sum(index, ranks) }
    case .broadcast(let count, let root):
      inputCount = count
      expected = (0..<count).map { Trial.number($0, root) }
    case .allGather(let count):
      inputCount = count
      expected = (0..<count * ranks).map { Trial.number($0 % count, $0 / count) }
    case .reduceScatter(let count):
      inputCount = count * ranks
      expected = (0..<count).map { Trial.sum(rank * count + $0, ranks) }
    }
    let capacity = max(1, inputCount, expected.count)
    source = .allocate(capacity: capacity)
    destination = inPlace ? source : .allocate(capacity: capacity)
    destination.initialize(repeating: .nan, count: capacity)
    source.initialize(repeating: .nan, count: capacity)
    for index in 0..<inputCount { source[index] = Trial.number(index, rank) }
  }

  deinit {
    source.deallocate()
    if !inPlace { destination.deallocate() }
  }

  func begin(tag: Int, on communicator: any Communicator) {
    communicator.begin(collective, tag: tag, from: source, to: destination)
  }

  var isRight: Bool { expected.indices.allSatisfy { destination[$0] == expected[$0] } }

  private static func number(_ index: Int, _ rank: Int) -> Float {
    Float((index * 7 + rank * 31) % 101 - 50)
  }

  private static func sum(_ index: Int, _ ranks: Int) -> Float {
    (0..<ranks).reduce(0) { $0 + number(index, $1) }
  }
}

/// Tries everything a communicator does; throws a sentence about what is wrong.
func check(_ communicator: RingCommunicator) throws {
  try checkCollectives(communicator)
  let half = try communicator.split(by: communicator.rank % 2)
  try checkCollectives(half)
  try checkCollectives(communicator)
  try communicator.requireSame(42, what: "test")
  guard communicator.count > 1 else { return }
  do {
    try communicator.requireSame(communicator.rank == 1 ? 1 : 0, what: "number")
    throw ConvoyError(.argument, "Different numbers passed for the same.")
  } catch let error as ConvoyError where error.message.contains("rank 1") {}
}

private func checkCollectives(_ communicator: RingCommunicator) throws {
  var random = Random(seed: 17)
  let (rank, ranks) = (communicator.rank, communicator.count)
  for inPlace in [false, true] {
    let trials = (0..<60).map { index in
      let longest = index % 10 == 0 ? 1_000_000 / ranks : 3000
      let count = random.below(longest + 1)
      let collective: Collective =
        switch index % 4 {
        case 0: .allReduce(count: count)
        case 1: .allGather(count: count)
        case 2: .reduceScatter(count: count)
        default: .broadcast(count: count, root: random.below(ranks))
        }
      return Trial(collective, inPlace: inPlace, rank: rank, ranks: ranks)
    }
    let before = communicator.bytesSent
    for (index, trial) in trials.enumerated() {
      if index >= 6 { communicator.finish(tag: index - 6) }
      trial.begin(tag: index, on: communicator)
    }
    for index in trials.indices.suffix(6) { communicator.finish(tag: index) }
    if let failure = communicator.failure { throw failure }
    for trial in trials where !trial.isRight {
      throw ConvoyError(.argument, "Rank \(rank) has wrong results of \(trial.collective).")
    }
    let predicted = trials.reduce(0) { $0 + $1.collective.bytesSent(byRank: rank, of: ranks) }
    guard communicator.bytesSent - before == predicted else {
      throw ConvoyError(
        .argument,
        "Rank \(rank) sent \(communicator.bytesSent - before) bytes, not \(predicted).")
    }
  }
}
