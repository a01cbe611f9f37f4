/// Sends and receives control messages (`Note`) with one other rank.
///
/// The progress thread alone uses it.
final class Correspondent {
  /// The tag of control messages.
  static let tag = 0

  let rank: Int
  /// The time of the rank's last message.
  var lastSign: Double
  /// The name of its host, once known.
  var hostName = ""
  /// Whether it has sent its farewell.
  private(set) var hasLeft = false
  /// Whether the rank is lost: nothing waits for it any more.
  var isGivenUp = false

  private var outbox: [Note] = []
  private var hasSaidFarewell = false
  private var sending: TransportRequest?
  private var receiving: TransportRequest?
  private let outgoing = UnsafeMutableRawBufferPointer.allocate(
    byteCount: Note.length, alignment: 16)
  private let incoming = UnsafeMutableRawBufferPointer.allocate(
    byteCount: Note.length, alignment: 16)

  init(rank: Int, now: Double) {
    self.rank = rank
    lastSign = now
    outgoing.initializeMemory(as: UInt8.self, repeating: 0)
    incoming.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit {
    outgoing.deallocate()
    incoming.deallocate()
  }

  /// Whether all queued notes have been sent.
  var isSent: Bool { sending == nil && outbox.isEmpty }

  /// Queues a note; nothing is sent after a farewell.
  func send(_ note: Note) {
    guard !hasSaidFarewell else { return }
    // One queued heartbeat is enough.
    if note.kind == .sign && !isSent { return }
    hasSaidFarewell = note.kind == .farewell
    outbox.append(note)
  }

  /// Advances the notes in flight, and returns one that has arrived.
  func advance(over transport: any Transport, now: Double) -> Note? {
    if let request = sending, transport.isOver(request) { sending = nil }
    if sending == nil, !outbox.isEmpty {
      outbox.removeFirst().write(to: outgoing)
      sending = transport.send(UnsafeRawBufferPointer(outgoing), to: rank, tag: Correspondent.tag)
    }
    guard !hasLeft else { return nil }
    let request =
      receiving ?? transport.receive(into: incoming, from: rank, tag: Correspondent.tag)
    receiving = request
    guard transport.isOver(request) else { return nil }
    receiving = nil
    lastSign = now
    let note = Note.read(from: UnsafeRawBufferPointer(incoming))
    if note?.kind == .farewell { hasLeft = true }
    return note
  }

  /// Cancels the notes in flight.
  func cancel(over transport: any Transport) {
    if let sending { transport.cancel(sending) }
    if let receiving { transport.cancel(receiving) }
    sending = nil
    receiving = nil
  }
}
