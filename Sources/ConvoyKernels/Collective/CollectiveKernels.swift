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
  ///   - tag: that of no other exchange under way.
  ///   - source: this rank's numbers.
  ///   - target: where results go: the same place, or apart from it.
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

/// Begins to exchange numbers in place; `CollectiveEnd` waits.
package struct CollectiveBegin: Kernel {
  /// See `Kernel.name`.
  package let name: String
  private let collective: Collective
  private let communicator: any Communicator
  private let tag: Int
  private let region: Region

  /// - Parameters:
  ///   - tag: that of no other exchange under way.
  ///   - region: this rank's numbers, which become the results.
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

  /// Begins.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    communicator.begin(
      collective, tag: tag, from: memory[region], to: memory[region], priority: .background)
  }
}

/// Waits for what `CollectiveBegin` began.
package struct CollectiveEnd: Kernel {
  /// See `Kernel.name`.
  package let name = "wait for ranks"
  private let communicator: any Communicator
  private let tag: Int

  /// - Parameter tag: that of the exchange.
  package init(_ communicator: any Communicator, tag: Int) {
    self.communicator = communicator
    self.tag = tag
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Waits.
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

/// Multiplies a row of numbers with a factor, from one place to another.
package struct ScaledCopy: Kernel {
  /// See `Kernel.name`.
  package let name = "scaled copy"
  private let factor: Float
  private let source: Region
  private let target: Region
  private let chunks: Chunks

  /// Describes the copy of a number of floats.
  package init(count: Int, by factor: Float, from source: Region, to target: Region) {
    self.factor = factor
    self.source = source
    self.target = target
    chunks = Chunks(items: count, cost: 1)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Copies some.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (from, to) = (UnsafePointer(memory[source]), memory[target])
    for index in chunks[chunk] { to[index] = from[index] * factor }
  }
}
