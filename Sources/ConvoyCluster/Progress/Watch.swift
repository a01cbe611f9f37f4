import ConvoyTensors

/// Keeps watch over the other ranks: tells them that this one is there, and notices when one is not.
///
/// Every rank sends every other a sign fifteen times in the time limit, whatever else happens: a rank that
/// computes for long or waits for a third is not lost. Whoever misses one tells all others why it stops.
struct Watch {
  /// What a turn has brought.
  struct News {
    var isAny = false
    /// Machines whose names were not known before.
    var hosts: [(rank: Int, name: String)] = []
    /// Why the job cannot go on.
    var failure: String?
  }

  /// Seconds in which a rank that lives answers a question. Whoever tells a job to stop ends it by force after
  /// a second or so; until then it must be known who did not answer.
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
  /// Whether the job has ended before its time.
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

  /// How long the thread may rest.
  var pause: Double { min(0.02, interval / 4) }

  /// Sends signs, reads notes, and looks who has been silent for too long.
  ///
  /// - Parameter now: the time in seconds, by the clock of `init`.
  mutating func turn(at now: Double, isExchanging: Bool, isToldToStop: Bool) -> News {
    // Who has not run for a while cannot know who has.
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

  /// Tells the others why this rank stops, once.
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
    // After a failure the others get some time to say what has happened before the job is ended by force.
    return areDone || (hasFailed && lastTurn - began > timeLimit / 3)
  }

  /// Gives up all notes under way.
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

  /// The sentence about ranks that are lost, if any are.
  private func missing(_ now: Double) -> String? {
    let awaited = others.filter { !$0.hasLeft }
    if let questionTime, now - questionTime > Watch.answerTime {
      let silent = awaited.filter { $0.lastSign < questionTime }
      return silent.isEmpty
        ? "\(name(of: transport.rank, currentHostName())) stopped: it was told to, by a signal."
        : giveUp(silent, "ended or cannot be reached")
    }
    guard awaited.contains(where: { now - $0.lastSign > timeLimit }) else { return nil }
    // Those who fell silent at the same moment belong to the same story.
    let silent = awaited.filter { now - $0.lastSign > 0.8 * timeLimit }
    return giveUp(silent, "given no sign for \(Int(timeLimit.rounded(.up))) s")
  }

  private func giveUp(_ silent: [Correspondent], _ what: String) -> String {
    for other in silent { other.isGivenUp = true }
    let names = silent.map { name(of: $0.rank, $0.hostName) }.joined(separator: ", ")
    return "\(names) \(silent.count == 1 ? "has" : "have") \(what), and the job cannot go on."
  }

  private func name(of rank: Int, _ host: String) -> String {
    ProgressThread.name(ofRank: rank, host: host)
  }
}
