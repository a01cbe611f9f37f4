import ConvoyCluster
import ConvoyKernels
import ConvoyTensors
import Testing

/// Adds numbers again and again until the job ends.
private func addUntilFailure(_ communicator: RingCommunicator) -> ConvoyError? {
  while communicator.failure == nil {
    let work = Work(.allReduce(count: 1000), on: communicator, inPlace: true, seed: 1)
    work.begin(tag: 0, on: communicator)
    communicator.finish(tag: 0)
  }
  return communicator.failure
}

@Suite struct FailureTests {
  @Test(arguments: [2, 3, 5])
  func aSilentRankEndsAllWhileTheyExchange(count: Int) async throws {
    let ranks = try ranks(count, pieceLength: 64, timeLimit: 2)
    let failures = await onRanks(ranks) { communicator -> ConvoyError? in
      guard (try? communicator.barrier()) != nil else { return nil }
      if communicator.rank == 1 { ranks.transports[1].cut() }
      return addUntilFailure(communicator)
    }
    try expectNamed(1, in: failures)
  }

  @Test func aSilentRankIsNoticedWhileNobodyExchanges() async throws {
    let ranks = try ranks(4, timeLimit: 2)
    let failures = await onRanks(ranks) { communicator -> ConvoyError? in
      guard (try? communicator.barrier()) != nil else { return nil }
      if communicator.rank == 2 { ranks.transports[2].cut() }
      communicator.waitForFailure()
      return communicator.failure
    }
    try expectNamed(2, in: failures)
  }

  @Test func aSilentRankIsNoticedWhileAllWaitForAnother() async throws {
    let ranks = try ranks(4, timeLimit: 2)
    let failures = await onRanks(ranks) { communicator -> ConvoyError? in
      guard (try? communicator.barrier()) != nil else { return nil }
      if communicator.rank == 2 { ranks.transports[2].cut() }
      // Rank 0 is late: it computes until the failure, and the others wait for it.
      if communicator.rank == 0 { communicator.waitForFailure() }
      return addUntilFailure(communicator)
    }
    try expectNamed(2, in: failures)
  }

  @Test func aSlowRankIsNoFailure() async throws {
    let ranks = try ranks(3, timeLimit: 2)
    let failures = await onRanks(ranks) { communicator -> ConvoyError? in
      if communicator.rank == 1 { ranks.time.wait(3) }
      do throws(ConvoyError) {
        try communicator.barrier()
      } catch {
        return error
      }
      return communicator.failure
    }
    #expect(failures == [nil, nil, nil])
  }

  @Test func anAbortReachesAllRanksWithItsReason() async throws {
    let failures = await onRanks(try ranks(4, pieceLength: 64)) {
      communicator -> ConvoyError? in
      // Rank 2 may be through, and have stopped, before others are.
      guard (try? communicator.barrier()) != nil else { return communicator.failure }
      if communicator.rank == 2 {
        communicator.abort("the file digits.bin cannot be read.")
        return communicator.failure
      }
      return addUntilFailure(communicator)
    }
    let sentence = try #require(failures[2]?.message)
    #expect(sentence.hasPrefix("Rank 2 ("))
    #expect(sentence.hasSuffix(") stopped: the file digits.bin cannot be read."))
    #expect(failures.allSatisfy { $0 == failures[2] })
  }

  @Test func aRankThatIsToldToStopSaysSo() async throws {
    let isTold = POSIXMutex(false)
    let ranks = try ranks(3, timeLimit: 2) { rank in rank == 1 && isTold.withLock { $0 } }
    let failures = await onRanks(ranks) { communicator -> ConvoyError? in
      guard (try? communicator.barrier()) != nil else { return communicator.failure }
      isTold.withLock { $0 = true }
      communicator.waitForFailure()
      return communicator.failure
    }
    let sentence = try #require(failures[1]?.message)
    #expect(sentence.hasPrefix("Rank 1 ("))
    #expect(sentence.hasSuffix(") stopped: it was told to, by a signal."))
    #expect(failures.allSatisfy { $0 == failures[1] })
  }

  /// When a rank has died, whoever started the ranks tells the others to stop: they name the one that does not
  /// answer, without waiting for the time limit.
  @Test func aRankThatDoesNotAnswerIsNamed() async throws {
    let isTold = POSIXMutex(false)
    let ranks = try ranks(4, timeLimit: 2) { rank in rank != 2 && isTold.withLock { $0 } }
    let failures = await onRanks(ranks) { communicator -> ConvoyError? in
      guard (try? communicator.barrier()) != nil else { return communicator.failure }
      if communicator.rank == 2 {
        ranks.transports[2].cut()
        isTold.withLock { $0 = true }
      }
      communicator.waitForFailure()
      return communicator.failure
    }
    for rank in [0, 1, 3] {
      let sentence = try #require(failures[rank]?.message)
      #expect(sentence.hasPrefix("Rank 2"))
      #expect(sentence.hasSuffix(" has ended or cannot be reached, and the job cannot go on."))
    }
  }

  @Test func everythingReturnsAfterAFailure() async throws {
    let areThrown = await onRanks(try ranks(2)) { communicator -> Bool in
      if communicator.rank == 0 { communicator.abort("it was told to.") }
      communicator.waitForFailure()
      let work = Work(.allReduce(count: 10), on: communicator, inPlace: false, seed: 1)
      work.begin(tag: 3, on: communicator)
      communicator.finish(tag: 3)
      do throws(ConvoyError) {
        _ = try communicator.split(by: 0)
        return false
      } catch {
        return error == communicator.failure
      }
    }
    #expect(areThrown == [true, true])
  }

  @Test func aLongReasonIsCutOff() async throws {
    let reason = String(repeating: "é", count: 3000)
    let failures = await onRanks(try ranks(2)) { communicator -> ConvoyError? in
      if communicator.rank == 0 { communicator.abort(reason) }
      communicator.waitForFailure()
      return communicator.failure
    }
    let sentence = try #require(failures[1]?.message)
    #expect(sentence.utf8.count > 1000 && sentence.utf8.count <= 1021)
    #expect(failures[0]?.message.hasPrefix(sentence) == true)
  }

  /// Every rank that can still be reached blames the one that cannot, in the same words.
  private func expectNamed(_ rank: Int, in failures: [ConvoyError?]) throws {
    for (other, failure) in failures.enumerated() {
      let sentence = try #require(failure?.message)
      guard other != rank else { continue }
      // Its host's name, in brackets, is known once it has given a sign.
      #expect(sentence.hasPrefix("Rank \(rank)"))
      #expect(sentence.hasSuffix(" has given no sign for 2 s, and the job cannot go on."))
    }
  }
}

@Suite struct AgreementTests {
  @Test func equalFingerprintsPass() async throws {
    let isSame = await onRanks(try ranks(4)) { communicator in
      (try? communicator.requireSame(0xFFFF_FFFF_7FA0_0001, what: "data set")) != nil
    }
    #expect(isSame == [true, true, true, true])
  }

  @Test func ranksThatDifferAreNamed() async throws {
    let errors = await onRanks(try ranks(5)) { communicator -> String? in
      do throws(ConvoyError) {
        let value: UInt64 = [9, 7, 7, 8, 7][communicator.rank]
        try communicator.requireSame(value, what: "graph")
        return nil
      } catch {
        return error.message
      }
    }
    let sentence = try #require(errors[0])
    #expect(sentence.hasPrefix("All ranks need the same graph: rank 0"))
    #expect(sentence.contains(", rank 3"))
    #expect(sentence.contains(" have another than rank 1"))
    #expect(errors.allSatisfy { $0 == sentence })
  }
}
