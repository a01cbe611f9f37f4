package import ConvoyKernels

/// A message in flight; an identifier that only the transport that made it can read.
package struct TransportRequest: Hashable, Sendable {
  package var number: Int
}

/// Point-to-point messages between ranks, on which everything else is built.
///
/// One thread uses a transport; only `wake` may be called from others. Nothing waits: a message is begun, and
/// asked about, after each `moveOn`, until it is over. Messages of one tag from one rank to another arrive in the order in which
/// they were sent; sender and receiver name the same length.
package protocol Transport: AnyObject, Sendable {
  /// Which of the ranks this is, from 0.
  var rank: Int { get }
  /// How many ranks there are.
  var count: Int { get }
  /// The largest tag a message can have.
  var largestTag: Int { get }
  /// The error that the link has reported, if it is broken.
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

  /// Suspends the thread for at most some time, or until there may be progress.
  ///
  /// - Parameter expecting: what messages are expected at any moment, the most urgent; nil for none but notes.
  func pause(atMost seconds: Double, expecting: ExchangePriority?)
  /// Ends a pause of the thread that uses the transport.
  func wake()
  /// Closes the connection to the other ranks; after a failure without waiting for any of them.
  func close(afterFailure: Bool)
}
