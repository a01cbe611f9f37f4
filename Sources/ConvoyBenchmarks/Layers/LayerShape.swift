public import ConvoyGraphs
public import ConvoyTensors

/// A convolution layer of the benchmark suite.
public struct LayerShape: Hashable, Sendable {
  /// The name: `resnext50-32x4d-c2`.
  public var name: String
  /// Channels of the image.
  public var inputChannels: Int
  /// Filters.
  public var outputChannels: Int
  /// The image's height.
  public var height: Int
  /// The image's width.
  public var width: Int
  /// The kernel's extent, in both dimensions.
  public var kernel: Int
  /// The stride, in both dimensions.
  public var stride: Int
  /// Zeros on each side.
  public var padding: Int
  /// The distance between neighbouring elements of the kernel.
  public var dilation: Int
  /// The number of groups.
  public var groups: Int

  /// Describes a layer.
  public init(
    name: String, inputChannels: Int, outputChannels: Int, height: Int, width: Int, kernel: Int,
    stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1
  ) {
    self.name = name
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.height = height
    self.width = width
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  /// A network of the layer alone, without a bias.
  ///
  /// - Throws: `ConvoyError` when the numbers do not describe a convolution.
  public func network() throws(ConvoyError) -> Network {
    let image = try Shape(validating: [inputChannels, height, width])
    return try Network(input: image) {
      $0.convolution(
        outputChannels, kernel: kernel, stride: stride, padding: .uniform(padding),
        dilation: dilation, groups: groups, bias: false, name: LayerShape.node)
    }
  }

  /// The name of the layer's node.
  static let node = "layer"

  /// The bundled suite: layers of published networks, and grouped layers of all widths.
  public static let suite: [LayerShape] = {
    do throws(ConvoyError) {
      return try parse(
        String(decoding: PackageResources.layers_csv, as: UTF8.self), name: "the suite")
    } catch {
      preconditionFailure("The bundled suite does not parse: \(error.message)")
    }
  }()

  /// The columns of a suite's file, in order.
  static let columns = [
    "name", "inputChannels", "outputChannels", "height", "width", "kernel", "stride", "padding",
    "dilation", "groups",
  ]

  /// Reads a suite: comma-separated values with a header, `columns`.
  ///
  /// - Parameters:
  ///   - text: the file's text.
  ///   - name: the file's name, for errors.
  /// - Throws: `ConvoyError` that names the first line that does not describe a layer.
  public static func parse(_ text: String, name: String) throws(ConvoyError) -> [LayerShape] {
    let lines = text.split(whereSeparator: \.isNewline)
    guard let head = lines.first, head == columns.joined(separator: ",") else {
      throw ConvoyError(
        .format, "\(name) should begin with the line \(columns.joined(separator: ",")).")
    }
    var layers: [LayerShape] = []
    for (index, line) in lines.enumerated().dropFirst() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      let numbers = fields.dropFirst().compactMap { Int($0) }
      guard fields.count == columns.count, numbers.count == columns.count - 1 else {
        throw ConvoyError(
          .format,
          "Line \(index + 1) of \(name) should have a name and \(columns.count - 1) whole numbers, "
            + "got ‘\(line)’.")
      }
      layers.append(
        LayerShape(
          name: String(fields[0]), inputChannels: numbers[0], outputChannels: numbers[1],
          height: numbers[2], width: numbers[3], kernel: numbers[4], stride: numbers[5],
          padding: numbers[6], dilation: numbers[7], groups: numbers[8]))
    }
    return layers
  }
}
