import ConvoyKernels

/// A collective that has begun, with its memory.
///
/// `@unchecked Sendable`: `isOver` is guarded by the progress thread's monitor; only the progress
/// thread uses the other mutable state. The caller does not use the memory until the exchange is
/// over.
final class Exchange: @unchecked Sendable {
  let route: RingRoute
  let source: UnsafePointer<Float>
  let destination: UnsafeMutablePointer<Float>
  var isOver = false

  /// The numbers of rounds that have begun and that have ended.
  var begunRounds = 0
  var endedRounds = 0

  init(
    _ route: RingRoute, from source: UnsafePointer<Float>,
    to destination: UnsafeMutablePointer<Float>
  ) {
    self.route = route
    self.source = source
    self.destination = destination
  }
}

/// The state of one round.
struct Round {
  let exchange: Exchange
  let index: Int
  let tag: Int
  /// Memory of two pieces, for partial sums.
  let staging: UnsafeMutablePointer<Float>

  private var step = 0
  private var hasBegunStep = false
  private var sending: TransportRequest?
  private var receiving: TransportRequest?

  init(_ exchange: Exchange, index: Int, tag: Int, staging: UnsafeMutablePointer<Float>) {
    self.exchange = exchange
    self.index = index
    self.tag = tag
    self.staging = staging
    guard let copied = exchange.route.copied(inRound: index) else { return }
    // Source and destination may be the same memory.
    (exchange.destination + copied.to.lowerBound)
      .update(from: exchange.source + copied.from.lowerBound, count: copied.from.count)
  }

  var isOver: Bool { step == exchange.route.stepCount }

  /// Advances as far as arrived messages allow.
  ///
  /// - Parameters:
  ///   - beginningSteps: whether new messages may be sent.
  ///   - didSend: called with the bytes of each message.
  mutating func advance(
    over transport: any Transport, from previous: Int, to next: Int, beginningSteps: Bool,
    didSend: (Int) -> Void
  ) -> Bool {
    var didAnything = false
    while !isOver {
      let step = exchange.route.step(self.step, ofRound: index)
      if !hasBegunStep {
        guard beginningSteps else { break }
        hasBegunStep = true
        // The receive comes first: MPI then needs no buffer of its own for the message.
        if let place = step.received, place.count > 0 {
          receiving = transport.receive(into: bytes(of: place), from: previous, tag: tag)
        }
        if let place = step.sent, place.count > 0 {
          let bytes = UnsafeRawBufferPointer(bytes(of: place))
          sending = transport.send(bytes, to: next, tag: tag)
          didSend(bytes.count)
        }
        didAnything = true
      }
      if let request = receiving, transport.isOver(request) {
        receiving = nil
        didAnything = true
      }
      if let request = sending, transport.isOver(request) {
        sending = nil
        didAnything = true
      }
      guard sending == nil, receiving == nil else { break }
      // Not before the send is complete: its memory may be that of the sum.
      if let addend = step.addend, let received = step.received, let sum = step.sum {
        add(pointer(to: addend), pointer(to: received), into: pointer(to: sum), sum.count)
      }
      self.step += 1
      hasBegunStep = false
    }
    return didAnything
  }

  /// Cancels the messages in flight.
  mutating func cancel(over transport: any Transport) {
    if let receiving { transport.cancel(receiving) }
    if let sending { transport.cancel(sending) }
    receiving = nil
    sending = nil
  }

  /// The address of a place; memory in the source is only read.
  private func pointer(to place: RingRoute.Place) -> UnsafeMutablePointer<Float> {
    switch place {
    case .source(let range): UnsafeMutablePointer(mutating: exchange.source) + range.lowerBound
    case .destination(let range): exchange.destination + range.lowerBound
    case .staging(let half, _): staging + half * exchange.route.pieceLength
    }
  }

  private func bytes(of place: RingRoute.Place) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      UnsafeMutableBufferPointer(start: pointer(to: place), count: place.count))
  }
}

/// Adds numbers to others; the result may be in the memory of either.
func add(
  _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
  into sum: UnsafeMutablePointer<Float>, _ count: Int
) {
  let lanes = SIMD16<Float>.scalarCount
  let (left, right, sum) = (
    UnsafeRawPointer(left), UnsafeRawPointer(right), UnsafeMutableRawPointer(sum)
  )
  let stride = MemoryLayout<Float>.stride
  let whole = count / lanes * lanes
  for offset in Swift.stride(from: 0, to: whole * stride, by: lanes * stride) {
    let one = left.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
    let other = right.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
    sum.storeBytes(of: one + other, toByteOffset: offset, as: SIMD16<Float>.self)
  }
  for offset in Swift.stride(from: whole * stride, to: count * stride, by: stride) {
    let one = left.load(fromByteOffset: offset, as: Float.self)
    let other = right.load(fromByteOffset: offset, as: Float.self)
    sum.storeBytes(of: one + other, toByteOffset: offset, as: Float.self)
  }
}
