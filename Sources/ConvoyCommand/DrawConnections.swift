import ArgumentParser
import Convoy

/// `convoy draw connections`
struct DrawConnections: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "connections",
    abstract: "Convolutions as lines: which outputs see which inputs.",
    discussion: """
      On the left the places of a map, on the right its channels. The lines of both,
      multiplied, are the multiply-adds.

      KIND is one of conv3x3, conv1x1, grouped3x3, grouped1x1, depthwise, shuffle,
      resnet, bottleneck, resnext, mobilenet-v1, mobilenet-v2, shufflenet.

      Examples:
        convoy draw connections --sheet -o sheet.svg
        convoy draw connections grouped3x3 --groups 3 -o grouped.svg
        convoy draw connections conv1x1 grouped1x1 shuffle --theme dark -o narrow.svg
      """)

  @Argument(help: ArgumentHelp("What to draw; several stand side by side.", valueName: "kind"))
  var kinds: [Kind] = []

  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case conv3x3, conv1x1, grouped3x3, grouped1x1, depthwise, shuffle, resnet, bottleneck
    case resnext, shufflenet
    case mobileNetV1 = "mobilenet-v1"
    case mobileNetV2 = "mobilenet-v2"
  }

  @Option(help: ArgumentHelp("Channels of the single layers.", valueName: "number"))
  var channels = 6

  @Option(help: ArgumentHelp("Groups of the grouped layers and of shuffle.", valueName: "number"))
  var groups = 2

  @Flag(help: "All of them on one page.")
  var sheet = false

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func validate() throws {
    guard sheet != !kinds.isEmpty else {
      throw ValidationError("Expected what to draw, such as conv3x3, or --sheet for all.")
    }
  }

  func run() throws {
    if sheet { return try drawing.write(try .connectionSheet()) }
    let diagrams = try kinds.map(diagram)
    let title = diagrams.map(\.name).joined(separator: ", ")
    try drawing.write(try .connections(diagrams, title: title))
  }

  private func diagram(_ kind: Kind) throws(ConvoyError) -> ConnectionDiagram {
    func layer(
      _ name: String, _ layer: ConnectionDiagram.Layer.Kind
    ) throws(ConvoyError) -> ConnectionDiagram {
      try ConnectionDiagram(name, channels: channels, [layer])
    }
    func block(_ name: String) throws(ConvoyError) -> ConnectionDiagram {
      guard let block = ConnectionDiagram.blocks.first(where: { $0.name == name }) else {
        throw ConvoyError(.argument, "There is no block named \(name).")
      }
      return block
    }
    func convolution(_ kernel: Int, _ groups: Int) -> ConnectionDiagram.Layer.Kind {
      .convolution(kernel: kernel, outputs: channels, groups: groups)
    }
    switch kind {
    case .conv3x3: return try layer("3×3 convolution", convolution(3, 1))
    case .conv1x1: return try layer("1×1 convolution", convolution(1, 1))
    case .grouped3x3: return try layer("3×3 in \(groups) groups", convolution(3, groups))
    case .grouped1x1: return try layer("1×1 in \(groups) groups", convolution(1, groups))
    case .depthwise: return try layer("3×3 depthwise", convolution(3, channels))
    case .shuffle: return try layer("channel shuffle, \(groups) groups", .shuffle(groups: groups))
    case .resnet: return try block("ResNet basic block")
    case .bottleneck: return try block("ResNet bottleneck")
    case .resnext: return try block("ResNeXt")
    case .mobileNetV1: return try block("MobileNet v1")
    case .mobileNetV2: return try block("MobileNet v2")
    case .shufflenet: return try block("ShuffleNet v1")
    }
  }
}
