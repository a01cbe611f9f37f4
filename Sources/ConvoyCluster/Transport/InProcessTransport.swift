package import ConvoyKernels
import ConvoyTensors

/// Messages between threads of one process.
///
/// A message is copied once, by the receiver, from the sender's memory.
///
/// `@unchecked Sendable`: state that is not guarded by a monitor is used only by the transport's
/// thread.
package final class InProcessTransport: Transport, @unchecked Sendable {
  /// A message that waits for its receiver; the sender keeps the bytes until they are copied.
  private struct Message: @unchecked Sendable {
    var sender: Int
    var tag: Int
    var bytes: UnsafeRawBufferPointer
    var request: Int
  }

  /// The messages for one rank that have not been received.
  private struct Mailbox: Sendable {
    var waiting: [Message] = []
    /// This rank's own messages that have been received.
    var delivered: Set<Int> = []
    /// Ranks whose messages no longer arrive here.
    var unreachable: Set<Int> = []
    var isStirred = false
  }

  private enum Pending {
    case sending(to: Int)
    case receiving(into: UnsafeMutableRawBufferPointer, from: Int, tag: Int)
  }

  package let rank: Int
  package var count: Int { mailboxes.count }
  package var largestTag: Int { Int.max }
  package var failure: String? { nil }

  private let mailboxes: [Monitor<Mailbox>]
  private var pending: [Int: Pending] = [:]
  private var requestCount = 0

  private init(rank: Int, mailboxes: [Monitor<Mailbox>]) {
    self.rank = rank
    self.mailboxes = mailboxes
  }

  /// Transports that connect a number of ranks; each is used by one thread.
  package static func joined(count: Int) -> [InProcessTransport] {
    let mailboxes = (0..<count).map { _ in Monitor(Mailbox()) }
    return (0..<count).map { InProcessTransport(rank: $0, mailboxes: mailboxes) }
  }

  /// Disconnects this rank from all others, as a network failure would. Any thread may call this.
  package func cut() {
    for (other, mailbox) in mailboxes.enumerated() where other != rank {
      mailbox.change { $0.unreachable.insert(rank) }
      mailboxes[rank].change { $0.unreachable.insert(other) }
    }
  }

  package func send(
    _ bytes: UnsafeRawBufferPointer, to receiver: Int, tag: Int
  ) -> TransportRequest {
    let request = newRequest(.sending(to: receiver))
    let message = Message(sender: rank, tag: tag, bytes: bytes, request: request.number)
    mailboxes[receiver].change { mailbox in
      mailbox.waiting.append(message)
      mailbox.isStirred = true
    }
    return request
  }

  package func receive(
    into bytes: UnsafeMutableRawBufferPointer, from sender: Int, tag: Int
  ) -> TransportRequest {
    newRequest(.receiving(into: bytes, from: sender, tag: tag))
  }

  package func moveOn() {}

  package func isOver(_ request: TransportRequest) -> Bool {
    let isOver =
      switch pending[request.number] {
      case .sending: wasDelivered(request.number)
      case .receiving(let bytes, let sender, let tag):
        collect(into: bytes, from: sender, tag: tag)
      case nil: true
      }
    if isOver { pending[request.number] = nil }
    return isOver
  }

  package func cancel(_ request: TransportRequest) {
    guard case .sending(let receiver) = pending.removeValue(forKey: request.number) else { return }
    let sender = rank
    let wasWaiting = mailboxes[receiver].withLock { mailbox in
      let index = mailbox.waiting.firstIndex {
        $0.sender == sender && $0.request == request.number
      }
      if let index { mailbox.waiting.remove(at: index) }
      return index != nil
    }
    // The receiver has begun to copy, which does not take long.
    if !wasWaiting {
      mailboxes[rank].wait { $0.delivered.remove(request.number) != nil }
    }
  }

  package func pause(atMost seconds: Double, expecting: ExchangePriority?) {
    mailboxes[rank].wait(atMost: seconds) { $0.isStirred }
    mailboxes[rank].withLock { $0.isStirred = false }
  }

  package func wake() {
    mailboxes[rank].change { $0.isStirred = true }
  }

  package func close(afterFailure: Bool) {
    for number in pending.keys.sorted() { cancel(TransportRequest(number: number)) }
  }

  private func newRequest(_ message: Pending) -> TransportRequest {
    requestCount += 1
    pending[requestCount] = message
    return TransportRequest(number: requestCount)
  }

  private func wasDelivered(_ number: Int) -> Bool {
    mailboxes[rank].withLock { $0.delivered.remove(number) != nil }
  }

  /// Copies the oldest message from a sender with a tag, if there is one.
  private func collect(
    into bytes: UnsafeMutableRawBufferPointer, from sender: Int, tag: Int
  ) -> Bool {
    let found: Message? = mailboxes[rank].withLock { mailbox in
      guard !mailbox.unreachable.contains(sender) else { return nil }
      let index = mailbox.waiting.firstIndex { $0.sender == sender && $0.tag == tag }
      return index.map { mailbox.waiting.remove(at: $0) }
    }
    guard let found else { return false }
    precondition(found.bytes.count == bytes.count, "Both sides name the same length.")
    bytes.copyMemory(from: found.bytes)
    mailboxes[sender].change { mailbox in
      mailbox.delivered.insert(found.request)
      mailbox.isStirred = true
    }
    return true
  }
}
