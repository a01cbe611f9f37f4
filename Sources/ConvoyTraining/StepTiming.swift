public import ConvoyGraphs
public import ConvoyKernels
import ConvoyTensors

/// How long a step takes a rank, by a model: multiply-adds at a given speed, and exchanges one after the
/// other over one link.
public struct StepTiming: Hashable, Sendable, Codable {
  /// Seconds of computing.
  public let computing: Double
  /// Seconds of exchanges during which the rank computes.
  public let hidden: Double
  /// Seconds in which the rank does nothing but wait for exchanges.
  public let waiting: Double

  /// Seconds of a step.
  public var total: Double { computing + waiting }

  /// Goes through a step's nodes in their order.
  ///
  /// A node's exchange waits for those that began before it, and the rank for it; but gradients are
  /// exchanged while the rank computes on, until it comes to the node that wants their sums.
  init(of step: Graph, at speed: RankSpeed) {
    var (now, computing, exchanging) = (0.0, 0.0, 0.0)
    // When the link has done all that was begun, and when it will have each sum.
    var linkIsFree = 0.0
    var ends: [ValueID: Double] = [:]
    for node in step.nodes {
      if let exchange = StepExchange(node, in: step) {
        let seconds = exchange.collective.seconds(among: exchange.ranks, at: speed)
        exchanging += seconds
        linkIsFree = max(now, linkIsFree) + seconds
        if exchange.isOverlapped {
          ends[node.outputs[0]] = linkIsFree
        } else {
          now = linkIsFree
        }
      } else if node.operation is AllReduceEnd {
        now = max(now, ends[node.inputs[0]] ?? now)
      } else {
        let (inputs, outputs) = step.shapes(of: node)
        let work = Double(node.operation.cost(inputs: inputs, outputs: outputs).multiplyAdds)
        computing += work / speed.multiplyAdds
        now += work / speed.multiplyAdds
      }
    }
    self.computing = computing
    waiting = max(0, now - computing)
    hidden = max(0, exchanging - waiting)
  }
}

extension Collective {
  /// Estimated seconds until every rank has its results, round a ring: a latency for each of its steps, and
  /// the time of the bytes that each rank sends. Additions take none.
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
