import ConvoyCluster
import ConvoyKernels
import ConvoyTensors
import Testing

/// What one rank has after several exchanges.
private struct Outcome: Sendable {
  var results: [[Float]]
  var bytesSent: Int
  var failure: ConvoyError?
}

/// Runs collectives on a communicator, a number of them in flight at a time.
private func run(
  _ collectives: [Collective], on communicator: any Communicator, inPlace: Bool, atOnce: Int,
  seed: UInt64
) -> [[Float]] {
  let works = collectives.enumerated().map { index, collective in
    Work(collective, on: communicator, inPlace: inPlace, seed: seed + UInt64(index))
  }
  for (index, work) in works.enumerated() {
    if index >= atOnce { communicator.finish(tag: index - atOnce) }
    work.begin(tag: index, on: communicator)
  }
  for index in works.indices.suffix(atOnce) { communicator.finish(tag: index) }
  return works.map(\.result)
}

/// Expects each rank's results to be those of the definition, within rounding.
private func expectRight(
  _ results: [[[Float]]], _ collectives: [Collective], seed: UInt64,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let ranks = results.count
  for (index, collective) in collectives.enumerated() {
    let inputs = (0..<ranks).map {
      numbers(collective.counts(ranks: ranks).input, rank: $0, seed: seed + UInt64(index))
    }
    // Each of (ranks − 1) additions of numbers below a half rounds by half a unit of at most ranks ∕ 2.
    let tolerance =
      collective.isExact ? 0 : Double(ranks * ranks) * 0.5 * Double(Float.ulpOfOne)
    for rank in 0..<ranks {
      let expected = collective.expected(rank: rank, inputs: inputs)
      let got = results[rank][index]
      let isRight =
        got.count == expected.count
        && zip(got, expected).allSatisfy { abs(Double($0) - $1) <= tolerance }
      #expect(isRight, "\(collective) on rank \(rank) of \(ranks)", sourceLocation: sourceLocation)
    }
  }
}

@Suite struct CollectiveTests {
  @Test(arguments: 1...8, [false, true])
  func everyCollectiveMeetsItsDefinition(count: Int, inPlace: Bool) async throws {
    let seed = UInt64(100 * count + (inPlace ? 50 : 0))
    var random = Random(seed: seed)
    // Pieces of 16 floats: most of these take several rounds, with a short last one.
    let collectives = (0..<24).map { _ in
      Collective.random(upTo: 200, ranks: count, using: &random)
    }
    var runs: [[[[Float]]]] = []
    for atOnce in [1, 5] {
      let outcomes = await onRanks(try ranks(count, pieceLength: 16)) { communicator in
        let results = run(
          collectives, on: communicator, inPlace: inPlace, atOnce: atOnce, seed: seed)
        return Outcome(
          results: results, bytesSent: communicator.bytesSent, failure: communicator.failure)
      }
      #expect(outcomes.allSatisfy { $0.failure == nil })
      expectRight(outcomes.map(\.results), collectives, seed: seed)
      for (rank, outcome) in outcomes.enumerated() {
        let predicted = collectives.reduce(0) { $0 + $1.bytesSent(byRank: rank, of: count) }
        #expect(outcome.bytesSent == predicted)
      }
      runs.append(outcomes.map(\.results))
    }
    #expect(runs[0] == runs[1], "The same bits, however many exchanges are in flight")
    for (index, collective) in collectives.enumerated() {
      guard case .allReduce = collective else { continue }
      let sums = runs[0].map { $0[index].map(\.bitPattern) }
      #expect(sums.allSatisfy { $0 == sums[0] }, "The same bits on every rank")
    }
  }

  @Test func largeSumsTakeManyPieces() async throws {
    let collectives: [Collective] = [
      .allReduce(count: 300_007), .broadcast(count: 150_001, root: 2),
    ]
    let results = await onRanks(try ranks(3)) { communicator in
      run(collectives, on: communicator, inPlace: true, atOnce: 2, seed: 7)
    }
    expectRight(results, collectives, seed: 7)
  }

  @Test func resultsDoNotDependOnHowMessagesAreCut() async throws {
    let collectives: [Collective] = [.allReduce(count: 1009), .reduceScatter(count: 333)]
    var runs: [[[[Float]]]] = []
    for pieceLength in [7, 100, 65_536] {
      runs.append(
        await onRanks(try ranks(4, pieceLength: pieceLength)) { communicator in
          run(collectives, on: communicator, inPlace: false, atOnce: 2, seed: 11)
        })
    }
    #expect(runs[0] == runs[1] && runs[1] == runs[2])
  }

  @Test func sourcesStayAsTheyWere() async throws {
    let areUntouched = await onRanks(try ranks(3, pieceLength: 16)) { communicator in
      let collectives: [Collective] = [
        .allReduce(count: 100), .allGather(count: 50), .reduceScatter(count: 50),
        .broadcast(count: 70, root: 1),
      ]
      return collectives.allSatisfy { collective in
        let work = Work(collective, on: communicator, inPlace: false, seed: 3)
        work.begin(tag: 0, on: communicator)
        communicator.finish(tag: 0)
        let count = collective.counts(ranks: 3).input
        return work.input == numbers(count, rank: communicator.rank, seed: 3)
      }
    }
    #expect(areUntouched == [true, true, true])
  }

  @Test func sharesCoverAllNumbersOnce() {
    for count in [0, 1, 5, 8, 1001] {
      for ranks in 1...8 {
        let shares = (0..<ranks).map { Collective.share(of: count, rank: $0, of: ranks) }
        #expect(shares.flatMap { Array($0) } == Array(0..<count))
        let lengths = shares.map(\.count)
        #expect((lengths.max() ?? 0) - (lengths.min() ?? 0) <= 1)
      }
    }
  }

  @Test func aSingleRankSendsNothing() async throws {
    let bytes = await onRanks(try ranks(1)) { communicator in
      _ = run([.allReduce(count: 10)], on: communicator, inPlace: false, atOnce: 1, seed: 1)
      return communicator.bytesSent
    }
    #expect(bytes == [0])
    #expect(Collective.broadcast(count: 5, root: 0).bytesSent(byRank: 0, of: 1) == 0)
  }

  @Test func thereIsAtLeastOneRank() {
    #expect(throws: ConvoyError(.argument, "A communicator has at least 1 rank, not 0.")) {
      try RingCommunicator.inProcess(count: 0)
    }
  }
}

@Suite struct SplitTests {
  /// Two rows of three ranks and three columns of two, all with exchanges in flight at once.
  @Test func rowsAndColumnsOfAGrid() async throws {
    struct Found: Sendable {
      var row: (rank: Int, count: Int)
      var column: (rank: Int, count: Int)
      var rowSum: [Float]
      var columnParts: [Float]
      var bytes: [Int]
    }
    let found = await onRanks(try ranks(6, pieceLength: 16)) {
      communicator -> Found? in
      guard let row = try? communicator.split(by: communicator.rank / 3),
        let column = try? communicator.split(by: -(communicator.rank % 3))
      else { return nil }
      let own = [Float](repeating: Float(communicator.rank), count: 100)
      var sum = [Float](repeating: 0, count: 100)
      var parts = [Float](repeating: 0, count: 200)
      own.withUnsafeBufferPointer { own in
        sum.withUnsafeMutableBufferPointer { sum in
          parts.withUnsafeMutableBufferPointer { parts in
            guard let own = own.baseAddress, let sum = sum.baseAddress,
              let parts = parts.baseAddress
            else { return }
            row.begin(.allReduce(count: 100), tag: 1, from: own, to: sum)
            column.begin(.allGather(count: 100), tag: 1, from: own, to: parts)
            column.finish(tag: 1)
            row.finish(tag: 1)
          }
        }
      }
      return Found(
        row: (row.rank, row.count), column: (column.rank, column.count), rowSum: sum,
        columnParts: parts, bytes: [row.bytesSent, column.bytesSent])
    }
    for (rank, found) in found.enumerated() {
      let found = try #require(found)
      #expect(found.row == (rank % 3, 3))
      #expect(found.column == (rank / 3, 2))
      let first = rank / 3 * 3
      #expect(found.rowSum == Array(repeating: Float(3 * first + 3), count: 100))
      let column = rank % 3
      #expect(
        found.columnParts
          == Array(repeating: Float(column), count: 100)
          + Array(repeating: Float(column + 3), count: 100))
      #expect(
        found.bytes == [
          Collective.allReduce(count: 100).bytesSent(byRank: rank % 3, of: 3),
          Collective.allGather(count: 100).bytesSent(byRank: rank / 3, of: 2),
        ])
    }
  }

  @Test func aColourOfItsOwnLeavesARankAlone() async throws {
    let sums = await onRanks(try ranks(3)) { communicator -> [Float] in
      guard let alone = try? communicator.split(by: communicator.rank) else { return [] }
      return run([.allReduce(count: 3)], on: alone, inPlace: false, atOnce: 1, seed: 5)[0]
    }
    #expect(sums == Array(repeating: numbers(3, rank: 0, seed: 5), count: 3))
  }
}
