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
  /// The parameters of all but LeNet, GoogLeNet in the paper's form and Network in Network for ImageNet
  /// are published figures; those, and the multiply-adds, follow from the layers' shapes.
  static let costs = [
    PublishedCost("lenet", 61_706, 416_520),
    PublishedCost("alexnet?groups=1", 62_378_344, 1_135_256_096),
    PublishedCost("alexnet?groups=2", 60_965_224, 724_406_816),
    PublishedCost("alexnet?groups=4", 60_258_664, 518_982_176),
    PublishedCost("alexnet?form=torchvision", 61_100_840, 714_188_480),
    PublishedCost("nin", 966_986, 222_486_528),
    PublishedCost("nin?groups=8", 314_954, 103_342_080),
    PublishedCost("googlenet", 6_624_904, 1_498_376_192),
    PublishedCost("googlenet?form=paper", 6_998_552, 1_582_671_872),
    PublishedCost("resnet-18", 11_689_512, 1_814_073_344),
    PublishedCost("resnet-34", 21_797_672, 3_663_761_408),
    PublishedCost("resnet-50", 25_557_032, 4_089_184_256),
    PublishedCost("resnet-50?form=v1", 25_557_032, 3_857_973_248),
    PublishedCost("resnet-101", 44_549_160, 7_801_405_440),
    PublishedCost("resnext-50", 25_028_904, 4_230_479_872),
    PublishedCost("squeezenet-1.0", 1_248_424, 818_924_576),
    PublishedCost("squeezenet-1.1", 1_235_496, 349_151_936),
    PublishedCost("mobilenet-v1", 4_231_976, 568_740_352),
    PublishedCost("mobilenet-v2", 3_504_872, 300_774_272),
    PublishedCost("mobilenet-v3-large", 5_483_032, 216_589_760),
    PublishedCost("mobilenet-v3-small", 2_542_856, 56_510_400),
    PublishedCost("xception", 22_855_952, 8_357_403_496),
    PublishedCost("shufflenet-v1?groups=1", 1_531_936, 143_078_976),
    PublishedCost("shufflenet-v1?groups=2", 1_733_848, 140_836_512),
    PublishedCost("shufflenet-v1", 1_865_728, 137_460_672),
    PublishedCost("shufflenet-v1?groups=4", 1_968_344, 134_339_776),
    PublishedCost("shufflenet-v1?groups=8", 2_434_768, 138_365_952),
    PublishedCost("shufflenet-v2?width=0.5", 1_366_792, 40_476_448),
    PublishedCost("shufflenet-v2", 2_278_604, 144_907_992),
    PublishedCost("shufflenet-v2?width=1.5", 3_503_624, 295_759_392),
    PublishedCost("shufflenet-v2?width=2", 7_393_996, 583_253_464),
    PublishedCost("densenet-121", 7_978_856, 2_834_161_664),
    PublishedCost("efficientnet-b0", 5_288_548, 385_814_752),
    PublishedCost("regnet-x-400mf", 5_495_976, 413_812_608),
    PublishedCost("regnet-y-400mf", 4_344_144, 401_842_848),
    PublishedCost("vgg-19", 143_667_240, 19_632_062_464),
    PublishedCost("convnext-tiny", 28_589_128, 4_455_531_264),
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
