#if MPI
  import CMPI
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
  /// All of MPI's functions are called by the thread that makes the transport, which is all that
  /// `MPI_THREAD_FUNNELED` allows. MPI has no way to sleep until a message comes, so the thread asks again and
  /// again, at growing intervals, while messages are expected.
  ///
  /// `@unchecked Sendable`: only `wake` is called by other threads, and touches a monitor alone.
  final class MPITransport: Transport, @unchecked Sendable {
    let rank: Int
    let count: Int
    let largestTag: Int
    private(set) var failure: String?

    private var requests: [convoy_mpi_request?] = []
    private var free: [Int] = []
    /// Pauses since anything happened last.
    private var pauseCount = 0
    private let isWoken = Monitor(false)

    /// Enters MPI.
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

    func isOver(_ request: TransportRequest) -> Bool {
      guard var message = requests[request.number] else { return false }
      var isOver: Int32 = 0
      note(convoy_mpi_test(&message, &isOver))
      requests[request.number] = message
      guard isOver != 0 && failure == nil else { return false }
      release(request)
      return true
    }

    func cancel(_ request: TransportRequest) {
      guard var message = requests[request.number] else { return }
      _ = convoy_mpi_cancel(&message)
      var isOver: Int32 = 0
      // A receive ends at once; a send that MPI cannot call back only reads, until the job is ended.
      _ = convoy_mpi_test(&message, &isOver)
      release(request)
    }

    func pause(atMost seconds: Double, isExchanging: Bool) {
      guard isExchanging else {
        isWoken.wait(atMost: seconds) { $0 }
        isWoken.withLock { $0 = false }
        return
      }
      pauseCount += 1
      // A thread that spends its share of a processor by asking waits for whole slices of those that compute;
      // one that sleeps is let in as soon as it wakes.
      if pauseCount > 50 { usleep(pauseCount < 1000 ? 10 : 100) }
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
      if number == requests.count { requests.append(nil) }
      var request = convoy_mpi_request()
      let status = begin(&request)
      note(status)
      if status == 0 { requests[number] = request }
      return TransportRequest(number: number)
    }

    private func release(_ request: TransportRequest) {
      pauseCount = 0
      requests[request.number] = nil
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
