import ConvoyKernels
import ConvoyTensors

/// The thread that transfers one rank's messages while other threads compute.
///
/// It alone uses the transport. It runs the exchanges of all communicators that share the
/// transport, and monitors the other ranks.
///
/// `@unchecked Sendable`: state that several threads use is guarded by a monitor.
final class ProgressThread: @unchecked Sendable {
  struct Settings: Sendable {
    /// Seconds without a message after which a rank is lost.
    var timeLimit = 15.0
    /// The largest length of a message in floats; the same on every rank.
    var pieceLength = 65_536
    /// Called once with a failure, on the progress thread.
    var whenFailed: @Sendable (ConvoyError) -> Void = { _ in }
    /// Whether the process has been asked to stop.
    var isToldToStop: @Sendable () -> Bool = { false }
    /// Seconds since an arbitrary moment; the thread reads them once a turn.
    var now: @Sendable () -> Double = monotonicSeconds
  }

  /// The state that callers and the thread share.
  private struct Desk: Sendable {
    var begun: [(channel: Channel, exchange: Exchange)] = []
    /// The number of callers that wait for an exchange.
    var waiterCount = 0
    var abortReason: String?
    var isLeaving = false
    var opened: Result<any Transport, ConvoyError>?
    var failure: ConvoyError?
    var hostNames: [String] = []
    var hasEnded = false
  }

  /// The seconds from the beginning of an awaited exchange in which other exchanges do not send new
  /// messages.
  static let preference = 0.01

  let settings: Settings
  private let desk = Monitor(Desk())

  init(_ settings: Settings) { self.settings = settings }

  /// Starts the thread, which opens the transport, and waits until it is open.
  func start(
    _ open: @escaping @Sendable () throws(ConvoyError) -> any Transport
  ) throws(ConvoyError) -> any Transport {
    let isStarted = startThread { [self] in
      do throws(ConvoyError) {
        let transport = try open()
        desk.change { desk in
          desk.hostNames = Array(repeating: "", count: transport.count)
          desk.hostNames[transport.rank] = currentHostName()
          desk.opened = .success(transport)
        }
        run(transport)
      } catch {
        desk.change { $0.opened = .failure(error) }
      }
    }
    guard isStarted else {
      throw ConvoyError(.resource, "The system gave no thread to exchange numbers on.")
    }
    var opened: Result<any Transport, ConvoyError>?
    desk.wait { desk in
      opened = desk.opened
      return opened != nil
    }
    guard let opened else { preconditionFailure("The wait ends when there is a result.") }
    return try opened.get()
  }

  // MARK: - Callers

  var failure: ConvoyError? { desk.withLock { $0.failure } }

  /// The host name of a rank, if it is known.
  func name(ofRank rank: Int) -> String {
    desk.withLock { rankName(rank, host: $0.hostNames[rank]) }
  }

  /// Submits an exchange, unless the job has ended.
  func begin(_ exchange: Exchange, on channel: Channel, over transport: any Transport) {
    desk.withLock { desk in
      if desk.failure == nil && !desk.isLeaving { desk.begun.append((channel, exchange)) }
    }
    transport.wake()
  }

  func finish(_ exchange: Exchange) {
    desk.withLock { $0.waiterCount += 1 }
    desk.wait { exchange.isOver || $0.failure != nil || $0.hasEnded }
    desk.withLock { $0.waiterCount -= 1 }
  }

  /// Ends the job on all ranks, and returns when this rank's failure is set.
  func abort(_ reason: String, over transport: any Transport) {
    desk.withLock { $0.abortReason = $0.abortReason ?? reason }
    transport.wake()
    waitForFailure()
  }

  /// Waits until the job has failed, or has come to its end.
  func waitForFailure() {
    desk.wait { $0.failure != nil || $0.hasEnded }
  }

  /// Asks the thread to end when the other ranks are ready to, or the job has failed.
  func leave(over transport: any Transport) {
    desk.withLock { $0.isLeaving = true }
    transport.wake()
  }

  func waitForEnd() {
    desk.wait { $0.hasEnded }
  }

  // MARK: - The thread

  private func run(_ transport: any Transport) {
    var channels: [Int: Channel] = [:]
    var watch = Watch(transport, timeLimit: settings.timeLimit, now: settings.now())
    var urgentSince: Double?
    while true {
      let now = settings.now()
      let orders = takeOrders()
      transport.moveOn()
      // Exchanges that were submitted while a failure became known do not begin: no other rank
      // takes part.
      for (channel, exchange) in orders.begun where !watch.hasFailed {
        channels[channel.context] = channel
        channel.append(exchange)
      }
      var didAnything = !orders.begun.isEmpty
      // Exchanges that ranks wait for come first.
      let didAdvanceUrgent = advance(
        channels.values.lazy.filter(\.isUrgent), over: transport, beginningSteps: true)
      let isUrgent = channels.values.contains { $0.isUrgent && !$0.isIdle }
      if !isUrgent {
        urgentSince = nil
      } else if urgentSince == nil {
        urgentSince = now
      }
      // The preference ends after a while: a rank that is late must not keep the links of others
      // idle.
      let mayBegin = urgentSince.map { now - $0 > Self.preference } ?? true
      let didAdvance = advance(
        channels.values.lazy.filter { !$0.isUrgent }, over: transport, beginningSteps: mayBegin)
      didAnything = didAnything || didAdvanceUrgent || didAdvance
      channels = channels.filter { !$0.value.isIdle }

      let heard = watch.turn(
        at: now, isExchanging: !channels.isEmpty, isToldToStop: settings.isToldToStop())
      for (rank, host) in heard.hosts { desk.withLock { $0.hostNames[rank] = host } }
      let own = name(ofRank: transport.rank)
      let sentence =
        orders.abortReason.map { "\(own) stopped: \($0)" }
        ?? transport.failure.map { "\(own) cannot exchange numbers any more: \($0)" }
        ?? heard.failure
      if let sentence, !watch.hasFailed {
        // Callers may free their memory as soon as they know of the end.
        for channel in channels.values { channel.cancel(over: transport) }
        channels = [:]
        watch.fail(sentence)
        let failure = ConvoyError(.resource, sentence)
        desk.change { $0.failure = failure }
        settings.whenFailed(failure)
      }
      if orders.isLeaving && channels.isEmpty && watch.leave() { break }
      if !didAnything && !heard.isAny {
        let isAwaited = orders.waiterCount > 0 || channels.values.contains(where: \.isUrgent)
        transport.pause(
          atMost: watch.pause,
          expecting: channels.isEmpty ? nil : isAwaited ? .awaited : .background)
      }
    }
    watch.cancel()
    transport.close(afterFailure: watch.hasFailed)
    desk.change { $0.hasEnded = true }
  }

  /// Advances exchanges, and returns whether anything happened.
  private func advance(
    _ channels: some Sequence<Channel>, over transport: any Transport, beginningSteps: Bool
  ) -> Bool {
    var didAnything = false
    for channel in channels {
      let didAdvance = channel.advance(over: transport, beginningSteps: beginningSteps) {
        exchange in
        desk.change { _ in exchange.isOver = true }
      }
      didAnything = didAnything || didAdvance
    }
    return didAnything
  }

  private func takeOrders() -> Desk {
    desk.withLock { desk in
      let orders = desk
      desk.begun = []
      return orders
    }
  }
}
