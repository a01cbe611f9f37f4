import ConvoyGraphs
import ConvoyTensors
import ConvoyZoo
import Testing

@testable import ConvoyDrawing

@Suite struct RankTests {
  /// What the numbers are that ranks send does not matter here, only that much is divided.
  private static let speed = RankSpeed(multiplyAdds: 1e6, bandwidth: 1e12, latency: 0)

  /// Each box with slices is divided, and each exchange has a box.
  @Test(
    arguments: ["alexnet?groups=2", "shufflenet-v1", "mobilenet-v1", "resnext-50", "lenet"], [2, 4])
  func marksAreThoseOfThePartition(_ network: String, _ ranks: Int) throws {
    let graph = try Zoo.network(network).graph
    let partition = try graph.partitioned(groups: ranks, batch: 16, speed: Self.speed)
    let own = try partition.graph(rank: 0)
    let boxes = NetworkBoxes(own, partition: partition).boxes
    let divided = partition.dividedNodes
    #expect(!divided.isEmpty)
    #expect(divided.isSubset(of: graph.nodes.map(\.name)))
    for node in graph.nodes {
      // Other boxes may be named after what they do.
      guard let box = boxes.first(where: { $0.name == node.name }) else { continue }
      #expect(box.ranks == (divided.contains(node.name) ? ranks : 1), "\(node.name)")
    }
    let layers = graph.nodes.filter { $0.operation is Convolution || $0.operation is Linear }
    #expect(boxes.count { $0.role == .convolution } == layers.count)
    #expect(
      boxes.count { $0.role == .convolution && $0.ranks == ranks }
        == layers.count { divided.contains($0.name) })
    let exchanges = own.nodes.count { $0.operation is any CollectiveOperator }
    #expect(boxes.count { $0.role == .exchange } == exchanges && exchanges > 0)
    #expect(boxes.allSatisfy { $0.role != .exchange || $0.ranks == 1 && $0.towers == 1 })
    for theme in Theme.allCases {
      try expectSound(.network(partition, title: network), theme: theme, "\(network) \(ranks)")
    }
  }

  /// As many slices as ranks, of which one is filled, up to as many as can be told apart.
  @Test func slicesAreRanks() throws {
    let network = try Network(input: [64, 8, 8]) {
      $0.convolution(64, kernel: 3, padding: 1, groups: 64).globalAveragePooling().flattened()
    }
    for ranks in [2, 8, 64] {
      let partition = try network.graph.partitioned(groups: ranks, batch: 1)
      let boxes = NetworkBoxes(try partition.graph(rank: 0), partition: partition)
      let drawing = NetworkDrawing(boxes, title: "", cost: Cost())
      let frame = Box(0, 0, 120, 60)
      let counts = drawing.slices(ranks, frame, 0).map { element in
        element.attributes.first { $0.key == "d" }?.value.count { $0 == "M" } ?? 0
      }
      #expect(counts == [min(ranks, 32) - 1, 1])
      #expect(boxes.boxes.contains { $0.ranks == ranks })
    }
  }

  /// Where there are no ranks, nothing tells of them.
  @Test func wholeNetworksHaveNoMarks() throws {
    let graph = try Zoo.network("alexnet").graph
    #expect(NetworkBoxes(graph).boxes.allSatisfy { $0.ranks == 1 })
    #expect(!(try Picture.network(graph, title: "").svg(theme: .light).contains("ranks")))
  }
}
