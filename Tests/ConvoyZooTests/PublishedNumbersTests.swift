import ConvoyGraphs
import ConvoyTensors
import Testing

@testable import ConvoyZoo

/// A network's form and what it costs at one image.
struct PublishedCost: CustomTestStringConvertible, Sendable {
  let specification: String
  let parameters: Int
  let multiplyAdds: Int

  init(_ specification: String, _ parameters: Int, _ multiplyAdds: Int) {
    self.specification = specification
    self.parameters = parameters
    self.multiplyAdds = multiplyAdds
  }

  var testDescription: String { specification }
}

@Suite struct PublishedNumbersTests {
  /// The parameters of AlexNet, NiN, SqueezeNet and MobileNet are published figures; LeNet's, and all
  /// multiply-adds, follow from the layers' shapes.
  static let costs = [
    PublishedCost("lenet", 61_706, 416_520),
    PublishedCost("alexnet?groups=1", 62_378_344, 1_135_256_096),
    PublishedCost("alexnet?groups=2", 60_965_224, 724_406_816),
    PublishedCost("alexnet?groups=4", 60_258_664, 518_982_176),
    PublishedCost("nin", 966_986, 222_486_528),
    PublishedCost("nin?groups=8", 314_954, 103_342_080),
    PublishedCost("squeezenet-1.1", 1_235_496, 349_151_936),
    PublishedCost("mobilenet-v1", 4_231_976, 568_740_352),
  ]

  @Test(arguments: costs) func costIsThePublished(published: PublishedCost) throws {
    let cost = try Zoo.network(published.specification).graph.cost
    #expect(cost.parameters == published.parameters)
    #expect(cost.multiplyAdds == published.multiplyAdds)
  }

  @Test(arguments: costs) func workGrowsWithTheBatchAndParametersDoNot(
    published: PublishedCost
  ) throws {
    let cost = try Zoo.network(published.specification).graph.resized(batch: 3).cost
    #expect(cost.parameters == published.parameters)
    #expect(cost.multiplyAdds == 3 * published.multiplyAdds)
  }

  /// In millions of multiply-adds and of parameters, rounded as in the paper's Table 6.
  @Test(arguments: [("0.75", 325.0, 2.6), ("0.5", 149.0, 1.3), ("0.25", 41.0, 0.5)])
  func narrowMobileNetsCostThePublished(
    width: String, multiplyAdds: Double, parameters: Double
  ) throws {
    let cost = try Zoo.network("mobilenet-v1?width=\(width)").graph.cost
    #expect((Double(cost.multiplyAdds) / 1e6).rounded() == multiplyAdds)
    #expect((Double(cost.parameters) / 1e5).rounded() / 10 == parameters)
  }

  @Test func onlyTheNamedLayersHaveGroups() throws {
    func grouped(_ specification: String) throws -> [String: Int] {
      let layers = try Zoo.network(specification).cost.layers.filter { ($0.groups ?? 1) > 1 }
      return Dictionary(uniqueKeysWithValues: layers.map { ($0.name, $0.groups ?? 1) })
    }
    #expect(try grouped("alexnet") == ["conv2": 2, "conv4": 2, "conv5": 2])
    #expect(try grouped("alexnet-small?groups=4") == ["conv2": 4, "conv4": 4, "conv5": 4])
    #expect(try grouped("nin?groups=2") == ["conv2": 2])
    #expect(try grouped("nin?groups=16") == ["conv2": 16, "conv3": 8])
    #expect(try grouped("nin").isEmpty)
  }
}
