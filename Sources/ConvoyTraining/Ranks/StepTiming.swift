public import ConvoyGraphs
public import ConvoyKernels
import ConvoyTensors

/// The times of a rank's step, by a model: multiply-adds at a given speed, and exchanges over one
/// link.
public struct StepTiming: Hashable, Sendable, Codable {
  /// Seconds of computing.
  public let computing: Double
  /// Seconds of exchanges during which the rank computes.
  public let hidden: Double
  /// Seconds in which the rank only waits for exchanges.
  public let waiting: Double

  /// Seconds of a step.
  public var total: Double { computing + waiting }

  /// Simulates a step's nodes in their order.
  ///
  /// The rank waits for exchanges inside the network. Gradients are exchanged while it computes,
  /// until a node needs their sums.
  package init(of step: Graph, at speed: RankSpeed) {
    var (computing, now) = (0.0, 0.0)
    var link = Link()
    for node in step.nodes {
      if let exchange = StepExchange(node, in: step) {
        link.advance(to: now)
        link.begin(
          node.outputs[0], of: Link.Queue(axis: exchange.axis, isOverlapped: exchange.isOverlapped),
          seconds: exchange.collective.seconds(among: exchange.ranks, at: speed))
        if !exchange.isOverlapped { now = link.finish(node.outputs[0]) }
      } else if case .exchange(let exchange) = node.operation.kind, exchange.phase == .end {
        link.advance(to: now)
        now = link.finish(node.inputs[0])
      } else {
        let work = Double(step.cost(of: node).multiplyAdds)
        computing += work / speed.multiplyAdds
        now += work / speed.multiplyAdds
      }
    }
    self.computing = computing
    waiting = max(0, now - computing)
    hidden = max(0, link.busySeconds - waiting)
  }
}

/// A rank's link in both directions. Exchanges of one axis and priority are sequential; queues that
/// are not empty share the link equally.
private struct Link {
  struct Queue: Hashable {
    var axis: RankAxis
    var isOverlapped: Bool
  }

  private struct Task {
    var id: ValueID
    var secondsLeft: Double
  }

  /// The seconds in which at least one queue was not empty.
  private(set) var busySeconds = 0.0
  private var now = 0.0
  private var queues: [Queue: [Task]] = [:]
  /// The time when each exchange was complete.
  private var ends: [ValueID: Double] = [:]

  mutating func begin(_ id: ValueID, of queue: Queue, seconds: Double) {
    queues[queue, default: []].append(Task(id: id, secondsLeft: seconds))
  }

  /// Advances the clock.
  mutating func advance(to time: Double) {
    while moveOn(until: time) {}
    now = max(now, time)
  }

  /// Advances the clock until an exchange is complete, and returns that time, or now if it is
  /// already complete.
  mutating func finish(_ id: ValueID) -> Double {
    while ends[id] == nil, moveOn(until: .infinity) {}
    return now
  }

  /// Advances to the end of the next exchange, but not beyond a time. False if there is nothing to
  /// do.
  private mutating func moveOn(until time: Double) -> Bool {
    let busy = queues.keys.filter { queues[$0]?.isEmpty == false }
    let sharing = Double(busy.count)
    guard now < time,
      let left = busy.compactMap({ queues[$0]?.first?.secondsLeft }).min()
    else { return false }
    let passing = min(left * sharing, time - now)
    let isOver = passing == left * sharing
    now += passing
    busySeconds += passing
    for queue in busy {
      queues[queue]?[0].secondsLeft -= passing / sharing
      guard isOver, let task = queues[queue]?[0], task.secondsLeft <= 0 else { continue }
      queues[queue]?.removeFirst()
      ends[task.id] = now
    }
    return true
  }
}

extension Collective {
  /// The estimated seconds until every rank of a ring has its results: a latency for each step, and
  /// the time of the bytes that each rank sends. Additions are not counted.
  ///
  /// Source: P. Patarasuk and X. Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
  /// workstations", 2009.
  public func seconds(among ranks: Int, at speed: RankSpeed) -> Double {
    guard ranks > 1 else { return 0 }
    let others = Double(ranks - 1)
    func seconds(steps: Double, floats: Double) -> Double {
      steps * speed.latency
        + floats * Double(MemoryLayout<Float>.stride) / speed.bandwidth
    }
    switch self {
    case .allReduce(let count):
      return seconds(steps: 2 * others, floats: 2 * others / Double(ranks) * Double(count))
    case .allGather(let count), .reduceScatter(let count):
      return seconds(steps: others, floats: others * Double(count))
    case .broadcast(let count, _): return seconds(steps: others, floats: Double(count))
    }
  }
}
