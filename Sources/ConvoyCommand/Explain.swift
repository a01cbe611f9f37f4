import ArgumentParser
import Convoy

/// `convoy explain`
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract:
      "Says which kernels compute a convolution or a model, and why no better ones, or what passes do.",
    discussion: """
      The layer is written as attributes: C, the channels of the image; N, those of
      the output; K, the kernel, 3 or 3x5; size, the image, 56 or 56x56; and if need
      be groups, stride, padding, dilation, batch, transposed=yes. The padding is
      dilation·(K − 1)∕2 unless it is given. Nothing is run without --measure.

      Examples:
        convoy explain C=128 N=128 K=3 groups=32 size=56x56
        convoy explain C=64 N=32 K=4 stride=2 size=28 transposed=yes --measure

      A model may stand in place of the layer: a folder that `convoy train` wrote, a
      checkpoint, an .onnx file, or zoo:NAME. It is compiled, and each step tells its
      kernel, and why better ones refused; with --passes, each pass on the way to the
      plan tells what it changed or decided.
        convoy explain zoo:resnet-18
        convoy explain zoo:resnet-18 --passes
        convoy explain zoo:lenet --passes --training --batch 32 --dump passes/
      """)

  @Argument(
    help: ArgumentHelp("The layer's attributes, or a model.", valueName: "key=value"))
  var layer: [String]

  @Flag(help: "List what each pass does to a model, from its graph to a plan.")
  var passes = false

  @Flag(help: "Of a model: its training step.")
  var training = false

  @OptionGroup(title: "Inputs of a model") var shapes: ShapeArguments

  @Option(
    help: ArgumentHelp(
      "With --passes: write what there is after each pass to a folder, as text and as saved graphs.",
      valueName: "folder"))
  var dump: String?

  @Option(
    help: ArgumentHelp("The instruction set: portable, avx2 or avx512.", valueName: "name"))
  var isa: String?

  @Flag(help: "Without Winograd's form.")
  var noWinograd = false

  @Flag(help: "Time it too, against the peak measured in the same run.")
  var measure = false

  @Option(help: ArgumentHelp("Threads for --measure; 1 by default.", valueName: "number"))
  var threads = 1

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard (1...1024).contains(threads) else {
      throw ValidationError("Expected from 1 to 1024 in --threads, got \(threads).")
    }
    guard passes || dump == nil else {
      throw ValidationError("Expected --passes beside --dump.")
    }
    guard isModel else {
      guard !passes, !training, shapes.batch == nil, shapes.shape.isEmpty else {
        throw ValidationError(
          "Expected one model beside --passes, --training, --shape or --batch, got \(layer.count) words."
        )
      }
      return
    }
    guard !measure else {
      throw ValidationError("Expected --measure with a layer; `convoy bench` times models.")
    }
  }

  /// Whether a model is explained, not a layer.
  private var isModel: Bool {
    layer.count == 1 && (layer[0].hasPrefix("zoo:") || !layer[0].contains("="))
  }

  func run() throws {
    if passes { return try explainPasses() }
    if isModel {
      let explanation = try KernelsExplanation(
        try ModelSource.load(layer[0]).model(shapes.given), isTraining: training, machine: isa,
        usesWinograd: !noWinograd)
      return json ? try Console.json(explanation) : explanation.printText()
    }
    let layer = try LayerDescription(parsing: layer.joined(separator: " "))
    guard measure else {
      let explanation = try LayerExplanation(layer, isa: isa, usesWinograd: !noWinograd)
      return json ? try Console.json(explanation) : print(explanation)
    }
    let measured = try MeasuredLayer(
      layer, isa: isa, usesWinograd: !noWinograd, on: ThreadPool(threadCount: threads))
    if json { return try Console.json(measured) }
    print(measured.explanation)
    print(measured)
  }

  private func print(_ explanation: LayerExplanation) {
    print(cost: explanation)
    print(kernel: explanation)
    print(catalog: explanation)
  }

  private func explainPasses() throws(ConvoyError) {
    let explanation = try PassExplanation(
      try ModelSource.load(layer[0]).model(shapes.given), isTraining: training, machine: isa,
      usesWinograd: !noWinograd)
    if json { try explanation.printJSON() } else { explanation.print() }
    guard let dump else { return }
    let count = try explanation.write(to: dump)
    if !json { Console.lines("\n\(count) files in \(dump.escaped)") }
  }

  private func print(cost explanation: LayerExplanation) {
    let shapes = [explanation.inputShape, explanation.outputShape].map { shape in
      shape.map { String($0) }.joined(separator: "×")
    }
    let law = explanation.factors.map(\.name).joined(separator: "·")
    let numbers = explanation.factors.map { String($0.value) }.joined(separator: "·")
    let bytes = [explanation.inputBytes, explanation.weightBytes, explanation.outputBytes]
    Console.line(explanation.layer)
    Console.lines("\(shapes[0]) → \(shapes[1])\n")
    Console.line("multiply-adds  \(law) = \(numbers) = \(explanation.multiplyAdds.grouped)")
    let weights = explanation.factors.prefix(3)
    Console.line(
      "parameters     \(weights.map(\.name).joined(separator: "·")) = "
        + weights.map { String($0.value) }.joined(separator: "·")
        + " = \(explanation.parameters.grouped)")
    Console.line(
      "bytes          image \(bytes[0].grouped), weights \(bytes[1].grouped), "
        + "output \(bytes[2].grouped)")
    Console.line(
      "intensity      \(explanation.operationsPerByte.text(1)) operations a byte, two a multiply-add"
    )
    let saving = explanation.groupSaving
    Console.lines(
      "groups         "
        + (saving == 1
          ? "one: every output channel sees every input channel"
          : "\(saving): 1∕\(saving) of the multiply-adds and parameters of the ungrouped convolution")
        + "\n")
  }

  private func print(kernel explanation: LayerExplanation) {
    let detail = explanation.detail.isEmpty ? "" : ", \(explanation.detail)"
    let used = Double(explanation.usedLanes) / Double(explanation.lanes)
    Console.line("kernel         \(explanation.kernel)\(detail)")
    Console.line("weights        \(explanation.packing)")
    Console.lines(
      "lanes          \(explanation.usedLanes) of \(explanation.lanes) hold channels "
        + "(\(used.percent))\n")
  }

  private func print(catalog explanation: LayerExplanation) {
    Console.line("The catalog on \(explanation.machine), best first; the first that can is taken:")
    let width = explanation.candidates.map(\.name.count).max() ?? 0
    for candidate in explanation.candidates {
      let name = candidate.name + String(repeating: " ", count: width - candidate.name.count)
      let verdict =
        candidate.refusal.map { "refuses: \($0)" } ?? (candidate.isChosen ? "taken" : "not asked")
      Console.line("  \(candidate.isChosen ? "→" : " ") \(name)  \(verdict)")
    }
  }

  private func print(_ measured: MeasuredLayer) {
    let (peak, bandwidth) = (measured.peak, measured.bandwidth)
    let roof = bandwidth * measured.explanation.operationsPerByte
    Console.lines(
      "\nmeasured       \(measured.measurement.milliseconds.text(3)) ms, "
        + "\(measured.measurement.gigaflopsPerSecond.text(1)) GFLOP/s, "
        + "\(measured.measurement.percentOfPeak.text(1)) % of the peak of \(peak.text(1))")
    Console.line(
      "bound          "
        + (roof < peak
          ? "memory beyond the second-level cache: \(bandwidth.text(1)) GB/s allow "
            + "\(roof.text(1)) GFLOP/s"
          : "arithmetic: memory at \(bandwidth.text(1)) GB/s would allow \(roof.text(1)) GFLOP/s"))
  }
}
