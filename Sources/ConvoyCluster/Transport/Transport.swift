package import ConvoyKernels

/// A message under way; known to the transport that made it.
package struct TransportRequest: Hashable, Sendable {
  package var number: Int
}

/// Messages between two ranks, on which everything else is built.
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
  /// What the link itself has reported, if it has broken.
  var failure: String? { get }

  /// Begins to send bytes, which are not to be changed until the request is over.
  func send(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int) -> TransportRequest
  /// Begins to receive bytes; they are there when the request is over.
  func receive(
    into bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int
  ) -> TransportRequest
  /// Moves all messages along.
  func moveOn()
  /// Whether a message is over; after a yes the request is not to be used.
  func isOver(_ request: TransportRequest) -> Bool
  /// Gives up a message; when this returns nothing more is written to memory for it.
  func cancel(_ request: TransportRequest)

  /// Lets the thread rest for at most some time, or until something may have happened.
  ///
  /// - Parameter expecting: what messages are expected at any moment, the most urgent; nil for none but notes.
  func pause(atMost seconds: Double, expecting: ExchangePriority?)
  /// Ends a pause of the thread that uses the transport.
  func wake()
  /// Takes leave of the other ranks; after a failure without waiting for any of them.
  func close(afterFailure: Bool)
}
