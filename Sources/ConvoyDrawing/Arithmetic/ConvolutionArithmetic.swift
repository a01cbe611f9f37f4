public import ConvoyGraphs
public import ConvoyTensors

/// Convolution arithmetic, number by number: an operator applied to small integers, with every step
/// of the computation.
///
/// ```swift
/// var parameters = ArithmeticParameters()
/// parameters.padding = [1, 1]
/// let arithmetic = try ConvolutionArithmetic(parameters)
/// let text = try arithmetic.animation().svg()
/// ```
///
/// The results are those of the operator's `reference`. The form follows V. Dumoulin and F. Visin,
/// "A guide to convolution arithmetic for deep learning", 2016, with numbers, channels and groups
/// added.
public struct ConvolutionArithmetic: Sendable {
  /// The parameters of the picture.
  public let parameters: ArithmeticParameters
  /// The input's numbers, [1, I, height, width].
  public let image: ReferenceTensor
  /// The kernel's numbers, [O, I∕G, height, width], transposed [I, O∕G, height, width]; nil for
  /// pooling.
  public let weights: ReferenceTensor?
  /// The operator's result, [1, O, height, width].
  public let result: ReferenceTensor

  let stage: ArithmeticStage

  /// The largest number of outputs, each of which is a step.
  public static let mostSteps = 256

  /// Draws random numbers and computes the result.
  ///
  /// - Throws: `ConvoyError` when the operator refuses the shapes, or the picture would be too
  ///   large to read.
  public init(_ parameters: ArithmeticParameters) throws(ConvoyError) {
    try parameters.validate()
    let p = parameters
    stage = ArithmeticStage(p)
    guard stage.rows <= 24, stage.columns <= 24 else {
      throw ConvoyError(
        .attribute,
        "The animation can show an input of at most 24×24 with its zeros, "
          + "got \(stage.rows)×\(stage.columns).")
    }
    var random = Random(seed: p.seed)
    let imageShape = Shape([1, p.inputChannels] + p.input)
    image = ReferenceTensor(
      imageShape,
      (0..<imageShape.elementCount).map { _ in Double(random.below(p.isPooling ? 10 : 5)) })
    var inputs = [image]
    if p.isPooling {
      weights = nil
    } else {
      let outer =
        p.operation == .transposed
        ? [p.inputChannels, max(1, p.outputChannels / p.groups)]
        : [p.outputChannels, max(1, p.inputChannels / p.groups)]
      let shape = Shape(outer + p.kernel)
      let drawn = ReferenceTensor(
        shape, (0..<shape.elementCount).map { _ in Double(random.below(5) - 2) })
      weights = drawn
      inputs.append(drawn)
    }
    let operation = ConvolutionArithmetic.operation(p)
    if p.outputChannels % p.groups != 0, !p.isPooling {
      throw ConvoyError(
        .attribute,
        "A number of groups is expected that divides the \(p.outputChannels) output channels, "
          + "got \(p.groups).")
    }
    let shapes: [Shape]
    do {
      shapes = try operation.outputShapes(for: inputs.map(\.shape))
    } catch {
      let sentence = error.message.prefix(1).uppercased() + error.message.dropFirst()
      throw ConvoyError(error.kind, sentence.hasSuffix(".") ? sentence : sentence + ".")
    }
    // An estimate of the bytes of SVG for each step: a picture should stay below 300 kB.
    let terms = p.kernel[0] * p.kernel[1] * (p.isPooling ? 1 : p.inputChannels / p.groups)
    let most = min(ConvolutionArithmetic.mostSteps, 270_000 / (1150 + 10 * terms))
    guard shapes[0].elementCount <= most else {
      throw ConvoyError(
        .attribute,
        "The animation can work out at most \(most) numbers of \(terms) terms each, "
          + "got an output of \(Shape(shapes[0].dimensions.dropFirst())).")
    }
    result = operation.reference(inputs, outputs: shapes)[0]
    // Elements are 0 or more: only the maximum of no element is less.
    guard p.operation != .maximum || result.elements.allSatisfy({ $0 >= 0 }) else {
      throw ConvoyError(
        .attribute,
        "The animation can show windows that hold an element of the input, but one of these holds "
          + "only padding.")
    }
    self.parameters = p
  }

  /// The operator whose reference is used.
  static func operation(_ p: ArithmeticParameters) -> any Operator {
    let window = Window(
      kernel: p.kernel, stride: p.stride, dilation: p.dilation,
      padding: .explicit(before: p.padding, after: p.padding))
    return switch p.operation {
    case .convolution: Convolution(window, groups: p.groups)
    case .transposed:
      TransposedConvolution(window, groups: p.groups, outputPadding: p.outputPadding)
    case .maximum: Pooling(.maximum, window: window)
    case .average: Pooling(.average(countsPadding: true), window: window)
    }
  }

  var outputChannels: Int { result.shape[1] }
  var outputRows: Int { result.shape[2] }
  var outputColumns: Int { result.shape[3] }

  /// The number of frames: one for each number of the output.
  public var frameCount: Int { result.shape.elementCount }

  /// The group of an input channel; in pooling, each channel is a group.
  func group(ofInput channel: Int) -> Int {
    parameters.isPooling ? channel : channel / (parameters.inputChannels / parameters.groups)
  }

  /// The group of an output channel.
  func group(ofOutput channel: Int) -> Int {
    parameters.isPooling ? channel : channel / (outputChannels / parameters.groups)
  }

  /// The input channels that an output channel depends on.
  func inputs(ofOutput channel: Int) -> [Int] {
    (0..<parameters.inputChannels).filter { group(ofInput: $0) == group(ofOutput: channel) }
  }

  /// The weight at a position of the window.
  func weight(output: Int, input: Int, row: Int, column: Int) -> Double? {
    guard let weights else { return nil }
    let perGroup = parameters.inputChannels / parameters.groups
    if parameters.operation == .transposed {
      let outputsPerGroup = outputChannels / parameters.groups
      let turned = [parameters.kernel[0] - 1 - row, parameters.kernel[1] - 1 - column]
      return weights[[input, output % outputsPerGroup] + turned]
    }
    return weights[[output, input % perGroup, row, column]]
  }

  /// The number in a cell of a channel.
  func value(_ channel: Int, _ cell: ArithmeticStage.Cell) -> Double {
    if case .element(let row, let column) = cell { image[[0, channel, row, column]] } else { 0 }
  }

  /// The computation of one number of the output.
  func step(_ frame: Int) -> ArithmeticStep {
    let area = outputRows * outputColumns
    let (channel, row, column) = (
      frame / area, frame % area / outputColumns, frame % outputColumns
    )
    var terms: [ArithmeticStep.Term] = []
    for input in inputs(ofOutput: channel) {
      for ky in 0..<parameters.kernel[0] {
        for kx in 0..<parameters.kernel[1] {
          let y = row * stage.stride[0] + ky * stage.dilation[0]
          let x = column * stage.stride[1] + kx * stage.dilation[1]
          let cell = stage[y, x]
          let isPadding = if case .element = cell { false } else { true }
          terms.append(
            ArithmeticStep.Term(
              channel: input, row: y, column: x, value: value(input, cell),
              weight: weight(output: channel, input: input, row: ky, column: kx),
              isPadding: isPadding))
        }
      }
    }
    return ArithmeticStep(
      channel: channel, row: row, column: column, terms: terms,
      result: result[[0, channel, row, column]])
  }
}
