package import ConvoyKernels

/// An identifier of a message in flight; its meaning is private to the transport.
package struct TransportRequest: Hashable, Sendable {
  package var number: Int
}

/// Point-to-point messages between ranks, on which collectives are built.
///
/// One thread uses a transport; others may only call `wake`. No call waits: a message is begun, and
/// tested after each `moveOn` until it is complete. Messages of one tag from one rank to another
/// arrive in the order in which they were sent; sender and receiver name the same length.
package protocol Transport: AnyObject, Sendable {
  /// The index of this rank, from 0.
  var rank: Int { get }
  /// The number of ranks.
  var count: Int { get }
  /// The largest tag a message can have.
  var largestTag: Int { get }
  /// The error of the connection, if it is broken.
  var failure: String? { get }

  /// Begins to send bytes. They must not change until the request is complete.
  func send(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int) -> TransportRequest
  /// Begins to receive bytes; they are valid when the request is complete.
  func receive(
    into bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int
  ) -> TransportRequest
  /// Makes progress on all messages.
  func moveOn()
  /// Whether a message is complete; a request that is complete must not be used again.
  func isOver(_ request: TransportRequest) -> Bool
  /// Cancels a message; after this returns, nothing is written to memory for it.
  func cancel(_ request: TransportRequest)

  /// Suspends the thread for at most some time, or until progress may be possible.
  ///
  /// - Parameter expecting: the most urgent priority of expected messages; nil if only control
  ///   messages are expected.
  func pause(atMost seconds: Double, expecting: ExchangePriority?)
  /// Ends a pause of the thread that uses the transport.
  func wake()
  /// Closes the connection; after a failure, without waiting for other ranks.
  func close(afterFailure: Bool)
}
