import ArgumentParser
import Convoy

/// `convoy cost`
struct ShowCost: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cost",
    abstract: "Says what a network costs: each layer, in other groups, or divided over ranks.",
    discussion: """
      The numbers are those of one image, or of inputs of the shapes that are given.
      With --measure each layer is timed too, as it runs in the network, against the
      peak measured in the same run.

      With --groups each convolution that can be is divided into so many groups, and
      the table compares; groups that a layer has are kept, and why a layer cannot be
      divided stands beside it. --measure then times every layer by itself, forward,
      and in training with the gradients of its image and weights.

      With --parallel it says what each of several ranks computes, keeps and sends in
      a training step, how layers are divided, and how the step's time would change
      with the number of ranks. Nothing is run for that.

      Examples:
        convoy cost zoo:mobilenet-v1
        convoy cost runs/digits-1 --measure
        convoy cost zoo:resnet-18 --input 1x96x96 --json
        convoy cost 'zoo:alexnet?groups=1' --groups 1,2,4,8
        convoy cost zoo:vgg-19 --groups 2,4 --only features.2 --measure
        convoy cost zoo:resnet-18 --parallel data=4
        convoy cost 'zoo:alexnet?groups=2' --parallel data=2,groups=2 --batch 128
      """)

  @Argument(help: ArgumentHelp("\(ModelSource.help)", valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "The image: channels, height and width; the network's own by default.", valueName: "CxHxW"))
  var input: ImageExtents?

  @Option(
    help: ArgumentHelp(
      "Compare with so many groups in each convolution that can be divided.", valueName: "numbers"))
  var groups: GroupList?

  @Option(
    help: ArgumentHelp(
      """
      With --groups: divide only the layer of this name, or all whose name contains it; can be \
      given again.
      """, valueName: "name"))
  var only: [String] = []

  @Flag(help: "Time each layer too.")
  var measure = false

  @Option(help: ArgumentHelp("Threads for --measure; 1 by default.", valueName: "number"))
  var threads = 1

  @OptionGroup(title: "Inputs") var shapes: ShapeArguments

  @OptionGroup(title: "Ranks") var ranks: ParallelCostArguments

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try validateThreads(threads)
    if let parallel = ranks.parallel {
      if groups != nil || measure {
        throw ValidationError(
          "--parallel \(parallel) forecasts training; it cannot be used with "
            + "\(groups != nil ? "--groups" : "--measure").")
      }
    }
    if groups == nil, let only = only.first {
      throw ValidationError("--only \(only) chooses layers for --groups, which is not given.")
    }
  }

  func run() throws {
    let graph = try graph()
    if ranks.parallel != nil {
      let report = try ranks.report(of: graph, batch: shapes.batch ?? TrainingOptions().batch)
      return json ? try Console.json(report) : report.print()
    }
    let measuring =
      measure
      ? CostMeasuring(
        batch: shapes.batch ?? graph.batch,
        options: CompileOptions(pool: ThreadPool(threadCount: threads))) : nil
    if let groups {
      let comparison = try GroupComparison(
        of: graph, groups: groups.numbers, only: only, measuring: measuring)
      return json ? try Console.json(comparison) : comparison.print()
    }
    let report = try CostReport(of: graph, measuring: measuring)
    return json ? try Console.json(report) : report.print()
  }

  /// The network, for the images that were asked for. Numbers are not drawn for parameters: counting
  /// needs none.
  private func graph() throws(ConvoyError) -> Graph {
    let graph = try Graph.described(by: model, shapes.given, isOfOneImage: true)
    guard let input else { return graph }
    do {
      return try graph.accepting(image: input.shape)
    } catch {
      guard let other = Self.specification(model, for: input.shape) else { throw error }
      throw ConvoyError(
        error.kind, "\(error.message.dropLast()); \(other) is made for such images.")
    }
  }

  /// A network of the zoo with the attributes that say the image's extents, if it has them.
  private static func specification(_ model: String, for image: Shape) -> String? {
    guard model.hasPrefix("zoo:"), image[1] == image[2],
      let parsed = try? Specification(parsing: String(model.dropFirst(4))),
      let entry = try? Zoo.entry(named: parsed.name)
    else { return nil }
    var attributes = parsed.attributes
    for (key, value) in [("size", image[1]), ("channels", image[0])]
    where entry.attributes.contains(where: { $0.key == key }) { attributes[key] = "\(value)" }
    guard let network = try? entry.network(attributes).graph,
      network[network.inputs[0]].shape.dimensions.dropFirst() == image.dimensions[...]
    else { return nil }
    let pairs = attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    return "zoo:\(parsed.name)?\(pairs.joined(separator: "&"))"
  }
}

/// How what costs is timed.
struct CostMeasuring {
  /// Images at once.
  let batch: Int
  let options: CompileOptions

  /// Times a whole network, with random weights: its speed does not depend on them.
  func measurement(of graph: Graph) throws(ConvoyError) -> ModelMeasurement {
    try Network(graph).initialized(seed: 1).measured(
      batch: batch == graph.batch ? nil : batch, options: options)
  }

  /// On what it was timed: `2 threads, batch 1`.
  var text: String {
    let threads = options.pool.threadCount
    return "\(threads) \(threads == 1 ? "thread" : "threads"), batch \(batch)"
  }
}

/// An image's extents as one types them: `3x224x224`.
struct ImageExtents: ExpressibleByArgument {
  let shape: Shape

  init?(argument: String) {
    let parts = argument.split(omittingEmptySubsequences: false) { $0 == "x" || $0 == "×" }
    let numbers = parts.compactMap { Int($0) }
    guard parts.count == 3, numbers.count == 3, let shape = try? Shape(validating: numbers) else {
      ArgumentMessages.expect("channels, height and width, each from 1 up, as in 3x224x224")
      return nil
    }
    self.shape = shape
  }
}

/// Numbers of groups with commas between them: `1,2,4`.
struct GroupList: ExpressibleByArgument {
  let numbers: [Int]

  init(numbers: [Int]) { self.numbers = numbers }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    numbers = parts.compactMap { Int($0) }.filter { (1...1 << 20).contains($0) }
    guard numbers.count == parts.count, Set(numbers).count == numbers.count, numbers.count <= 32
    else {
      ArgumentMessages.expect(
        "up to 32 different numbers of groups from 1 to \(1 << 20), with commas between them")
      return nil
    }
  }

  var defaultValueDescription: String { numbers.map { "\($0)" }.joined(separator: ",") }
}

// MARK: - The table

/// What a network costs, as people and programs read it.
struct CostReport: Encodable {
  struct Layer: Encodable {
    var name: String
    var `operator`: String
    var label: String
    var outputShape: Shape
    var groups: Int?
    var parameters: Int
    var multiplyAdds: Int
    var bytes: Int
    var intensity: Double
    /// Its time when it runs in the network; nil where it has none of its own.
    var milliseconds: Double?
    var percentOfPeak: Double?
    /// The layer in whose time its own is.
    var within: String?

    init(_ layer: LayerCost, _ time: LayerTime?) {
      name = layer.name
      `operator` = layer.operatorName
      label = layer.label
      outputShape = layer.outputShape
      groups = layer.groups
      parameters = layer.cost.parameters
      multiplyAdds = layer.cost.multiplyAdds
      bytes = layer.cost.bytes
      intensity = layer.cost.intensity
      switch time {
      case .own(let own):
        milliseconds = own.milliseconds
        percentOfPeak = own.multiplyAdds == 0 ? nil : own.percentOfPeak
      case .within(let host): within = host
      case .nothing: milliseconds = 0
      case nil: break
      }
    }
  }

  var parameters: Int
  var multiplyAdds: Int
  var bytes: Int
  var intensity: Double
  var layers: [Layer]
  var milliseconds: Double?
  var millisecondsOutsideLayers: Double?
  var percentOfPeak: Double?
  /// GFLOP/s that the threads could do at most.
  var peak: Double?
  var threads: Int?
  var batch: Int?

  private enum CodingKeys: CodingKey {
    case parameters, multiplyAdds, bytes, intensity, layers
    case milliseconds, millisecondsOutsideLayers, percentOfPeak, peak, threads, batch
  }

  /// On what it was timed.
  private var conditions: String?

  /// Counts, and times where it is said how.
  init(of graph: Graph, measuring: CostMeasuring?) throws(ConvoyError) {
    let cost = NetworkCost(graph)
    parameters = cost.total.parameters
    multiplyAdds = cost.total.multiplyAdds
    bytes = cost.total.bytes
    intensity = cost.total.intensity
    guard let measuring else {
      layers = cost.layers.map { Layer($0, nil) }
      return
    }
    let measurement = try measuring.measurement(of: graph)
    layers = zip(cost.layers, measurement.layerTimes(of: graph)).map { Layer($0, $1) }
    milliseconds = measurement.milliseconds
    millisecondsOutsideLayers = measurement.millisecondsOutsideLayers(of: graph)
    percentOfPeak = measurement.percentOfPeak
    peak = measurement.peak
    threads = measuring.options.pool.threadCount
    batch = measuring.batch
    conditions = measuring.text
  }

  /// The table, and below it how the numbers are counted.
  func print() {
    let isMeasured = milliseconds != nil
    var table = TextTable(
      ["layer", "operator", "output", "groups", "parameters", "multiply-adds", "bytes", "op/byte"]
        + (isMeasured ? ["ms", "% of peak"] : []))
    for layer in layers {
      table.append(
        [
          layer.name, layer.label, layer.outputShape.description,
          layer.groups.map { "\($0)" } ?? "", layer.parameters == 0 ? "" : layer.parameters.grouped,
          layer.multiplyAdds == 0 ? "" : layer.multiplyAdds.grouped, layer.bytes.grouped,
          layer.multiplyAdds == 0 ? "" : layer.intensity.text(1),
        ]
          + (isMeasured ? [time(layer), layer.percentOfPeak?.text(1) ?? ""] : []))
    }
    table.append(
      [
        "total", "", "", "", parameters.grouped, multiplyAdds.grouped, bytes.grouped,
        intensity.text(1),
      ]
        + (isMeasured ? [milliseconds?.text(3) ?? "", percentOfPeak?.text(1) ?? ""] : []))
    for line in table.lines { Console.line(line) }
    Console.lines("\n\(NetworkCost.convention)")
    Console.line("Op/byte is the arithmetic intensity, two operations a multiply-add.")
    if let peak, let conditions, let millisecondsOutsideLayers {
      Console.lines(
        """
        Batch norm and activations run in the layer before them: “in NAME” means in that one's time.
        The total is that of a whole run, of which \(millisecondsOutsideLayers.text(3)) ms bring \
        numbers into the kernels' order and back.
        Timed on \(conditions), where the peak is \(peak.text(1)) GFLOP/s; convolutions in Winograd's \
        form may exceed it.
        """)
    }
  }

  private func time(_ layer: Layer) -> String {
    if let host = layer.within { return "in \(host)" }
    guard let milliseconds = layer.milliseconds else { return "" }
    return milliseconds == 0 ? "–" : milliseconds.text(3)
  }
}
