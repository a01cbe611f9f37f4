public import ConvoyGraphs
public import ConvoyTensors

/// The networks that Convoy includes, by name.
///
/// ```swift
/// let network = try Zoo.network("alexnet?groups=4&classes=10")
/// print(network.cost)
/// ```
public enum Zoo {
  /// All networks. A new network is added here.
  public static let entries: [ZooEntry] = [
    .leNet, .alexNet, .alexNetSmall, .networkInNetwork, .vgg19, .googLeNet,
    .resNet18, .resNet34, .resNet50, .resNet101, .resNeXt50, .denseNet121, .xception,
    .squeezeNet10, .squeezeNet11, .mobileNetV1, .mobileNetV2, .mobileNetV3Large, .mobileNetV3Small,
    .shuffleNetV1, .shuffleNetV2, .efficientNetB0, .regNetX400MF, .regNetY400MF, .convNeXtTiny,
  ]

  /// Builds the network that a specification names, such as `alexnet?groups=4&classes=10`.
  ///
  /// - Parameter specification: a name and attributes, with or without the prefix `zoo:`. Omitted
  ///   attributes have the entry's defaults.
  /// - Throws: `ConvoyError` of kind `.argument` when the name, an attribute or a value is unknown.
  public static func network(_ specification: String) throws(ConvoyError) -> Network {
    let prefix = "zoo:"
    let text =
      specification.hasPrefix(prefix) ? specification.dropFirst(prefix.count) : specification[...]
    let parsed = try Specification(parsing: String(text))
    return try entry(named: parsed.name).network(parsed.attributes)
  }

  /// The entry with a name, without attributes and prefix.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` that lists the known names.
  public static func entry(named name: String) throws(ConvoyError) -> ZooEntry {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw ConvoyError(
        .argument, unknown("network", name, of: "The zoo", known: entries.map(\.name)))
    }
    return entry
  }
}
