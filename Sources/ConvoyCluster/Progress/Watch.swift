import ConvoyTensors

/// Monitors the other ranks: sends heartbeats, and notices when a rank sends none.
///
/// Every rank sends every other fifteen heartbeats within the time limit, even while it computes
/// for long or waits for a third rank. A rank that misses another one tells all others why it
/// stops.
struct Watch {
  /// The results of a turn.
  struct News {
    var isAny = false
    /// The hosts whose names have become known.
    var hosts: [(rank: Int, name: String)] = []
    /// The reason why the job cannot go on.
    var failure: String?
  }

  /// The seconds within which a live rank answers a question. A program that stops a job kills it
  /// after about a second; until then it must be known which rank did not answer.
  static let answerTime = 0.5

  private let transport: any Transport
  private let timeLimit: Double
  private let interval: Double
  private let others: [Correspondent]
  private var lastTurn: Double
  private var nextSign = 0.0
  private var nextReading = 0.0
  private var questionTime: Double?
  private var leavingTime: Double?
  /// Whether the job has failed.
  private(set) var hasFailed = false

  init(_ transport: any Transport, timeLimit: Double, now: Double) {
    self.transport = transport
    self.timeLimit = timeLimit
    interval = timeLimit / 15
    lastTurn = now
    others = (0..<transport.count).filter { $0 != transport.rank }.map {
      Correspondent(rank: $0, now: now)
    }
  }

  /// The longest pause of the thread.
  var pause: Double { min(0.02, interval / 4) }

  /// Sends heartbeats, reads notes, and checks which ranks have been silent for too long.
  ///
  /// - Parameter now: the time in seconds, by the clock of `init`.
  mutating func turn(at now: Double, isExchanging: Bool, isToldToStop: Bool) -> News {
    // A rank that has not run for a while cannot know whether others have been silent.
    if now - lastTurn > interval {
      for other in others { other.lastSign += now - lastTurn }
    }
    lastTurn = now
    guard !isExchanging || now >= nextReading else { return News() }
    nextReading = now + 0.001

    if now >= nextSign && !hasFailed {
      nextSign = now + interval
      let sign = Note(kind: .sign, text: currentHostName())
      for other in others { other.send(sign) }
    }
    if isToldToStop && questionTime == nil && !hasFailed {
      questionTime = now
      for other in others { other.send(Note(kind: .question, text: currentHostName())) }
    }
    var news = readNotes(now)
    if !hasFailed && news.failure == nil { news.failure = missing(now) }
    return news
  }

  /// Tells the others once why this rank stops.
  mutating func fail(_ sentence: String) {
    hasFailed = true
    for other in others { other.send(Note(kind: .failure, text: sentence)) }
  }

  /// Sends the farewell, and returns whether the others have sent theirs.
  mutating func leave() -> Bool {
    let began = leavingTime ?? lastTurn
    if leavingTime == nil {
      leavingTime = began
      for other in others { other.send(Note(kind: .farewell)) }
    }
    let areDone = others.allSatisfy { $0.isGivenUp || ($0.hasLeft && $0.isSent) }
    // After a failure, the others get some time to report it before the job is killed.
    return areDone || (hasFailed && lastTurn - began > timeLimit / 3)
  }

  /// Cancels all notes in flight.
  func cancel() {
    for other in others { other.cancel(over: transport) }
  }

  private func readNotes(_ now: Double) -> News {
    var news = News()
    for other in others {
      guard let note = other.advance(over: transport, now: now) else { continue }
      news.isAny = true
      switch note.kind {
      case .sign, .question:
        if other.hostName != note.text {
          other.hostName = note.text
          news.hosts.append((other.rank, note.text))
        }
        if note.kind == .question { other.send(Note(kind: .sign, text: currentHostName())) }
      case .failure:
        news.failure = news.failure ?? note.text
      case .farewell:
        break
      }
    }
    return news
  }

  /// The sentence about lost ranks; nil if there are none.
  private func missing(_ now: Double) -> String? {
    let awaited = others.filter { !$0.hasLeft }
    if let questionTime, now - questionTime > Watch.answerTime {
      // What was read in the turn of the question is no answer.
      let silent = awaited.filter { $0.lastSign <= questionTime }
      return silent.isEmpty
        ? "\(rankName(transport.rank, host: currentHostName())) stopped: it was told to, by a signal."
        : giveUp(silent, "ended or cannot be reached")
    }
    guard awaited.contains(where: { now - $0.lastSign > timeLimit }) else { return nil }
    // Ranks that became silent at about the same time are reported together.
    let silent = awaited.filter { now - $0.lastSign > 0.8 * timeLimit }
    return giveUp(silent, "given no sign for \(Int(timeLimit.rounded(.up))) s")
  }

  private func giveUp(_ silent: [Correspondent], _ what: String) -> String {
    for other in silent { other.isGivenUp = true }
    let names = silent.map { rankName($0.rank, host: $0.hostName) }.joined(separator: ", ")
    return "\(names) \(silent.count == 1 ? "has" : "have") \(what), and the job cannot go on."
  }
}
