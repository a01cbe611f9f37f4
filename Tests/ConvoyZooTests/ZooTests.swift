import ConvoyGraphs
import ConvoyTensors
import Testing

@testable import ConvoyZoo

/// All names, as refusals list them.
private let names = Zoo.entries.map(\.name).joined(separator: ", ")

@Suite struct ZooSpecificationTests {
  @Test func defaultsDependOnTheForm() throws {
    let large = try Zoo.network("nin?form=imagenet").cost
    #expect(try Zoo.network("nin?form=imagenet&size=224&classes=1000").cost == large)
    let single = try Zoo.network("alexnet?form=torchvision").cost
    #expect(try Zoo.network("alexnet?form=torchvision&groups=1&size=224").cost == single)
  }

  @Test func thePrefixMayBeLeftOut() throws {
    let short = try Zoo.network("alexnet?groups=4&classes=10").cost
    #expect(try Zoo.network("zoo:alexnet?groups=4&classes=10").cost == short)
    #expect(try Zoo.network("zoo:alexnet").cost != short)
  }

  @Test(arguments: Zoo.entries.map(\.name)) func defaultsMayBeSpelledOut(name: String) throws {
    let entry = try Zoo.entry(named: name)
    let spelled = entry.attributes.map { ($0.key, $0.defaultText) }
    let network = try entry.network(Dictionary(uniqueKeysWithValues: spelled))
    #expect(network.cost == (try Zoo.network(name).cost))
  }

  @Test func namesAreUnique() {
    #expect(Set(Zoo.entries.map(\.name)).count == Zoo.entries.count)
    for entry in Zoo.entries {
      #expect(Set(entry.attributes.map(\.key)).count == entry.attributes.count)
    }
  }

  @Test(arguments: [
    (
      "alexnt",
      "The zoo has no network ‘alexnt’, only \(names); the closest is ‘alexnet’."
    ),
    (
      "zoo:transformer",
      "The zoo has no network ‘transformer’, only \(names)."
    ),
    (
      "nin?group=2",
      "‘nin’ has no attribute ‘group’, only form, groups, classes, size; the closest is ‘groups’."
    ),
    (
      "alexnet?groups=3",
      "‘groups’ of ‘alexnet’ should be one of 1, 2, 4, got ‘3’: "
        + "256 channels do not divide into 3 groups."
    ),
    (
      "alexnet?form=torchvision&groups=3",
      "‘groups’ of ‘alexnet?form=torchvision’ should be one of 1, 2, 4, got ‘3’: "
        + "64 channels do not divide into 3 groups."
    ),
    (
      "alexnet?form=caffe", "‘form’ of ‘alexnet’ should be one of paper, torchvision, got ‘caffe’."
    ),
    (
      "nin?size=7&form=imagenet",
      "‘size’ of ‘nin?form=imagenet’ should be a whole number from 55 to 2048, got ‘7’."
    ),
    (
      "shufflenet-v1?groups=5",
      "‘groups’ of ‘shufflenet-v1’ should be one of 1, 2, 3, 4, 8, got ‘5’."
    ),
    (
      "shufflenet-v2?width=0.7",
      "‘width’ of ‘shufflenet-v2’ should be one of 0.5, 1, 1.5, 2, got ‘0.7’."
    ),
    ("alexnet?groups=8", "‘groups’ of ‘alexnet’ should be one of 1, 2, 4, got ‘8’."),
    ("alexnet?groups=0", "‘groups’ of ‘alexnet’ should be one of 1, 2, 4, got ‘0’."),
    ("alexnet?groups=-1", "‘groups’ of ‘alexnet’ should be one of 1, 2, 4, got ‘-1’."),
    ("alexnet?groups=two", "‘groups’ of ‘alexnet’ should be one of 1, 2, 4, got ‘two’."),
    ("lenet?size=11", "‘size’ of ‘lenet’ should be a whole number from 12 to 512, got ‘11’."),
    (
      "lenet?classes=0", "‘classes’ of ‘lenet’ should be a whole number from 1 to 100000, got ‘0’."
    ),
    (
      "mobilenet-v1?width=nan",
      "‘width’ of ‘mobilenet-v1’ should be a number from 0.125 to 4, got ‘nan’."
    ),
  ])
  func mistakesAreToldInASentence(specification: String, sentence: String) {
    #expect(throws: ConvoyError(.argument, sentence)) { try Zoo.network(specification) }
  }

  @Test(arguments: ["", "zoo:", "zoo:?classes=2", "lenet?", "lenet?classes", "zoo:zoo:lenet"])
  func whatIsNoSpecificationIsRefused(specification: String) {
    #expect(throws: ConvoyError.self) { try Zoo.network(specification) }
  }
}

@Suite struct NearestNameTests {
  @Test func editsAreCounted() {
    #expect(editDistance("", "") == 0)
    #expect(editDistance("", "abc") == 3)
    #expect(editDistance("kitten", "sitting") == 3)
    #expect(editDistance("sitting", "kitten") == 3)
    #expect(editDistance("nin", "nin") == 0)
  }

  @Test func onlyNamesThatAreAlikeAreOffered() {
    let names = Zoo.entries.map(\.name)
    #expect(nearest(to: "mobilenet", among: names) == "mobilenet-v1")
    #expect(nearest(to: "resnet50", among: names) == "resnet-50")
    #expect(nearest(to: "AlexNet", among: names) == "alexnet")
    #expect(nearest(to: "alexnet-smal", among: names) == "alexnet-small")
    #expect(nearest(to: "transformer", among: names) == nil)
    #expect(nearest(to: "", among: names) == nil)
  }
}
