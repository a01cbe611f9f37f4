/// Exchanges numbers between ranks, and waits for the others.
package struct CollectiveExchange: Kernel {
  /// See `Kernel.name`.
  package let name: String
  private let collective: Collective
  private let communicator: any Communicator
  private let tag: Int
  private let source: Region
  private let target: Region

  /// - Parameters:
  ///   - tag: a tag of no other exchange in flight.
  ///   - source: this rank's numbers.
  ///   - target: the region of the results: the same region as the source, or a disjoint one.
  package init(
    _ collective: Collective, _ communicator: any Communicator, tag: Int, from source: Region,
    to target: Region
  ) {
    name = collective.name
    self.collective = collective
    self.communicator = communicator
    self.tag = tag
    self.source = source
    self.target = target
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Exchanges everything.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    communicator.begin(collective, tag: tag, from: memory[source], to: memory[target])
    communicator.finish(tag: tag)
  }
}

/// Begins an exchange of numbers in place; `CollectiveEnd` waits for it.
package struct CollectiveBegin: Kernel {
  /// See `Kernel.name`.
  package let name: String
  private let collective: Collective
  private let communicator: any Communicator
  private let tag: Int
  private let region: Region

  /// - Parameters:
  ///   - tag: a tag of no other exchange in flight.
  ///   - region: this rank's numbers, which the results replace.
  package init(
    _ collective: Collective, _ communicator: any Communicator, tag: Int, in region: Region
  ) {
    name = "begin \(collective.name)"
    self.collective = collective
    self.communicator = communicator
    self.tag = tag
    self.region = region
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Begins the exchange.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    communicator.begin(
      collective, tag: tag, from: memory[region], to: memory[region], priority: .background)
  }
}

/// Waits for an exchange that `CollectiveBegin` began.
package struct CollectiveEnd: Kernel {
  /// See `Kernel.name`.
  package let name = "wait for ranks"
  private let communicator: any Communicator
  private let tag: Int

  /// - Parameter tag: the tag of the exchange.
  package init(_ communicator: any Communicator, tag: Int) {
    self.communicator = communicator
    self.tag = tag
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Waits for the exchange.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    communicator.finish(tag: tag)
  }
}

extension Collective {
  fileprivate var name: String {
    switch self {
    case .allReduce: "all-reduce"
    case .allGather: "all-gather"
    case .reduceScatter: "reduce-scatter"
    case .broadcast: "broadcast"
    }
  }
}

/// Multiplies numbers with a factor, from one region to another.
package struct ScaledCopy: Kernel {
  /// See `Kernel.name`.
  package let name = "scaled copy"
  private let factor: Float
  private let source: Region
  private let target: Region
  private let chunks: Chunks

  /// The copy of a number of floats.
  package init(count: Int, by factor: Float, from source: Region, to target: Region) {
    self.factor = factor
    self.source = source
    self.target = target
    chunks = Chunks(items: count, cost: 1)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Copies some numbers.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (from, to) = (UnsafePointer(memory[source]), memory[target])
    for index in chunks[chunk] { to[index] = from[index] * factor }
  }
}
