#if MPI
  import CMPI
  import ConvoyKernels
  import ConvoyTensors

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Musl)
    import Musl
  #else
    import Darwin
  #endif

  /// Messages between processes, over MPI's point-to-point functions.
  ///
  /// The thread that creates the transport makes all calls of MPI, as `MPI_THREAD_FUNNELED`
  /// requires. MPI has no call that sleeps until a message arrives, so the thread polls, at growing
  /// intervals, while messages are expected.
  ///
  /// `@unchecked Sendable`: other threads only call `wake`, which only uses a monitor.
  final class MPITransport: Transport, @unchecked Sendable {
    let rank: Int
    let count: Int
    let largestTag: Int
    private(set) var failure: String?

    /// The requests in flight; free places have null requests.
    private var requests: [convoy_mpi_request] = []
    private var isOver: [Bool] = []
    private var free: [Int] = []
    /// The results of `convoy_mpi_test_some`.
    private var found: [Int32] = []
    /// The number of pauses since the last progress.
    private var pauseCount = 0
    private let isWoken = Monitor(false)

    /// Initializes MPI.
    init() throws(ConvoyError) {
      let status = convoy_mpi_start()
      guard status == 0 else {
        throw ConvoyError(.resource, "MPI does not start: \(MPITransport.description(of: status)).")
      }
      rank = Int(convoy_mpi_rank())
      count = Int(convoy_mpi_count())
      largestTag = Int(convoy_mpi_largest_tag())
    }

    func send(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int) -> TransportRequest {
      newRequest { request in
        convoy_mpi_send(bytes.baseAddress, Int32(bytes.count), Int32(rank), Int32(tag), &request)
      }
    }

    func receive(
      into bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int
    ) -> TransportRequest {
      newRequest { request in
        convoy_mpi_receive(
          bytes.baseAddress, Int32(bytes.count), Int32(rank), Int32(tag), &request)
      }
    }

    func moveOn() {
      guard requests.count > free.count else { return }
      var count: Int32 = 0
      // A test makes MPI poll all connections, so there is one test for all messages.
      note(convoy_mpi_test_some(Int32(requests.count), &requests, &count, &found))
      for number in found.prefix(Int(max(0, count))) { isOver[Int(number)] = true }
    }

    func isOver(_ request: TransportRequest) -> Bool {
      guard isOver[request.number] && failure == nil else { return false }
      release(request)
      return true
    }

    func cancel(_ request: TransportRequest) {
      if !isOver[request.number] {
        // A cancelled receive ends at once. A send that MPI cannot cancel only reads memory, until
        // the job ends.
        _ = convoy_mpi_cancel(&requests[request.number])
      }
      release(request)
    }

    func pause(atMost seconds: Double, expecting: ExchangePriority?) {
      pauseCount += 1
      switch expecting {
      case nil: sleep(atMost: seconds)
      case .background:
        // Polling every 20 µs takes a third of a processor from threads that compute. The longer nothing has
        // arrived, the slower the link is, and the longer the next interval.
        if pauseCount > 2 { sleep(atMost: 50e-6 * Double(1 << min(pauseCount - 2, 4))) }
      case .awaited:
        // A thread that uses up its time slice by polling waits for whole slices of threads that compute; one
        // that sleeps is scheduled as soon as it wakes.
        if pauseCount > 150 { usleep(pauseCount < 1000 ? 10 : 100) }
      }
    }

    private func sleep(atMost seconds: Double) {
      isWoken.wait(atMost: seconds) { $0 }
      isWoken.withLock { $0 = false }
    }

    func wake() {
      isWoken.change { $0 = true }
    }

    func close(afterFailure: Bool) {
      if afterFailure { convoy_mpi_abort() } else { convoy_mpi_finish() }
    }

    private func newRequest(_ begin: (inout convoy_mpi_request) -> Int32) -> TransportRequest {
      pauseCount = 0
      let number = free.popLast() ?? requests.count
      if number == requests.count {
        requests.append(convoy_mpi_no_request())
        isOver.append(false)
        found.append(0)
      }
      var request = convoy_mpi_no_request()
      note(begin(&request))
      requests[number] = request
      isOver[number] = false
      return TransportRequest(number: number)
    }

    private func release(_ request: TransportRequest) {
      pauseCount = 0
      requests[request.number] = convoy_mpi_no_request()
      free.append(request.number)
    }

    private func note(_ status: Int32) {
      if status != 0 && failure == nil { failure = MPITransport.description(of: status) }
    }

    private static func description(of status: Int32) -> String {
      var text = [CChar](repeating: 0, count: 1024)
      convoy_mpi_describe(status, &text)
      return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }
#endif
