import ConvoyGraphs
import Testing

@testable import ConvoyZoo

/// Dividing a network's convolutions gives the network that was published with groups.
@Suite struct RegroupTests {
  @Test(arguments: [2, 4]) func aDividedAlexNetIsThePublished(towers: Int) throws {
    let divided = try Zoo.network("alexnet?groups=1").graph.regrouped(towers) {
      ["conv2", "conv4", "conv5"].contains($0)
    }.graph
    let published = try Zoo.network("alexnet?groups=\(towers)").graph
    #expect(divided.layerCosts() == published.layerCosts())
    #expect(
      divided.parameters.map { divided[$0].shape }
        == published.parameters.map { published[$0].shape })
  }

  /// No network breaks, and its cost is never more.
  @Test(arguments: Zoo.entries.map(\.name)) func everyNetworkCanBeDivided(name: String) throws {
    let graph = try Zoo.network(name).graph
    for groups in [2, 3, 8] {
      let regrouping = try graph.regrouped(groups)
      #expect(regrouping.graph.cost.parameters <= graph.cost.parameters)
      #expect(regrouping.graph.cost.multiplyAdds <= graph.cost.multiplyAdds)
      #expect(regrouping.graph.nodes.map(\.name) == graph.nodes.map(\.name))
      for layer in regrouping.layers where layer.refusal == nil {
        #expect(layer.after.groups == groups, "\(layer.name)")
        #expect(
          layer.after.cost.multiplyAdds * groups
            == layer.before.cost.multiplyAdds * (layer.before.groups ?? 1), "\(layer.name)")
      }
    }
  }
}
