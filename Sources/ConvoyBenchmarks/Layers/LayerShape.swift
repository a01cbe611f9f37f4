public import ConvoyGraphs
public import ConvoyTensors

/// A convolution layer as benchmarks know it: a row of a suite.
public struct LayerShape: Hashable, Sendable {
  /// What it is called: `resnext50-32x4d-c2`.
  public var name: String
  /// Channels of the image.
  public var inputChannels: Int
  /// Filters.
  public var outputChannels: Int
  /// The image's extents.
  public var height: Int
  /// The image's extents.
  public var width: Int
  /// The kernel's extent, in both dimensions.
  public var kernel: Int
  /// How far the window moves.
  public var stride: Int
  /// Zeros on every side.
  public var padding: Int
  /// How far apart the kernel's elements lie.
  public var dilation: Int
  /// Into how many groups the channels are divided.
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

  /// The layer alone, as a network without a bias.
  ///
  /// - Throws: `ConvoyError` when the numbers make no convolution.
  public func network() throws -> Network {
    let image = try Shape(validating: [inputChannels, height, width])
    return try Network(input: image) {
      $0.convolution(
        outputChannels, kernel: kernel, stride: stride, padding: .uniform(padding),
        dilation: dilation, groups: groups, bias: false, name: LayerShape.node)
    }
  }

  /// What the layer is called in its network.
  static let node = "layer"

  /// The bundled suite: layers of published networks, and groups of every width.
  public static let suite: [LayerShape] = {
    do throws(ConvoyError) {
      return try parse(
        String(decoding: PackageResources.layers_csv, as: UTF8.self), name: "the suite")
    } catch {
      preconditionFailure("The bundled suite does not parse: \(error.message)")
    }
  }()

  /// The columns of a suite, in order.
  static let columns = [
    "name", "inputChannels", "outputChannels", "height", "width", "kernel", "stride", "padding",
    "dilation", "groups",
  ]

  /// Reads a suite: comma-separated values with a line of names, `columns`.
  ///
  /// - Parameters:
  ///   - text: the file's text.
  ///   - name: what to call it in errors.
  /// - Throws: `ConvoyError` naming the first line that is no layer.
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
