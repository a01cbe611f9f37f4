import ConvoyCluster
import ConvoyKernels
import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Adds as many numbers over all ranks, in place.
func sum(_ count: Int, _ communicator: RingCommunicator) {
  let numbers = UnsafeMutablePointer<Float>.allocate(capacity: max(1, count))
  numbers.initialize(repeating: 0, count: count)
  sum(numbers, count, communicator)
  numbers.deallocate()
}

private func sum(
  _ numbers: UnsafeMutablePointer<Float>, _ count: Int, _ communicator: RingCommunicator
) {
  communicator.begin(.allReduce(count: count), tag: 0, from: numbers, to: numbers)
  communicator.finish(tag: 0)
}

/// Lines with the median time of an all-reduce for several counts.
func measure(_ communicator: RingCommunicator) -> [String] {
  let clock = ContinuousClock()
  return [1, 1000, 100_000, 1_000_000, 16_000_000].map { count in
    let numbers = UnsafeMutablePointer<Float>.allocate(capacity: count)
    numbers.initialize(repeating: 0, count: count)
    defer { numbers.deallocate() }
    sum(numbers, count, communicator)
    let times = (0..<(count > 1_000_000 ? 9 : 201)).map { _ in
      clock.measure { sum(numbers, count, communicator) } / .microseconds(1)
    }
    let median = times.sorted()[times.count / 2]
    let bytes = Collective.allReduce(count: count).bytesSent(byRank: 0, of: communicator.count)
    let rate = Double(bytes) / median / 1000
    return
      "all-reduce of \(count) numbers: \(Int(median)) µs, \(Double(Int(rate * 100)) / 100) GB/s "
      + "sent by each rank"
  }
}

/// Measures between threads of this process.
func measureThreads(_ count: Int) throws {
  let communicators = try RingCommunicator.inProcess(count: count)
  for communicator in communicators.dropFirst() {
    startThread { _ = measure(communicator) }
  }
  for line in measure(communicators[0]) { print(line) }
}
