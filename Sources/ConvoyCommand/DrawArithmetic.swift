import ArgumentParser
import Convoy

/// `convoy draw arithmetic`
struct DrawArithmetic: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "arithmetic",
    abstract: "The arithmetic of a convolution or pooling, number by number.",
    discussion: """
      An animation that plays in a browser without a script: the window slides over
      the input with its padding, and every number of the output is worked out below.
      The numbers are drawn by the seed; the results are those of Convoy's reference.
      Extents are one number for both dimensions, or height x width. A .png shows the
      last step unless --frame or --storyboard says otherwise.

      Examples:
        convoy draw arithmetic --input 6 --padding 1 --stride 2 -o strided.svg
        convoy draw arithmetic --operation transposed --input 3 --stride 2 \\
          -o transposed.svg
        convoy draw arithmetic --input 4 --channels 4 --outputs 4 --groups 2 \\
          --storyboard -o g.svg
        convoy draw arithmetic --operation maximum --kernel 2 --stride 2 \\
          --frame 3 -o max.png
      """)

  @Option(
    help: ArgumentHelp(
      "convolution, transposed, maximum or average.", valueName: "name"))
  var operation = Operation.convolution

  enum Operation: String, ExpressibleByArgument, CaseIterable {
    case convolution, transposed, maximum, average
  }

  @Option(help: ArgumentHelp("The input's height and width.", valueName: "extents"))
  var input = ExtentsArgument([5, 5])

  @Option(help: ArgumentHelp("The kernel's height and width.", valueName: "extents"))
  var kernel = ExtentsArgument([3, 3])

  @Option(help: ArgumentHelp("How far the kernel moves.", valueName: "extents"))
  var stride = ExtentsArgument([1, 1])

  @Option(help: ArgumentHelp("Zeros on each side.", valueName: "extents"))
  var padding = ExtentsArgument([0, 0])

  @Option(help: ArgumentHelp("How far apart the kernel's elements lie.", valueName: "extents"))
  var dilation = ExtentsArgument([1, 1])

  @Option(
    help: ArgumentHelp("Beyond the smallest output, when transposed.", valueName: "extents"))
  var outputPadding = ExtentsArgument([0, 0])

  @Option(help: ArgumentHelp("Channels of the input.", valueName: "number"))
  var channels = 1

  @Option(help: ArgumentHelp("Channels of the output.", valueName: "number"))
  var outputs = 1

  @Option(help: ArgumentHelp("Groups of channels.", valueName: "number"))
  var groups = 1

  @Option(help: ArgumentHelp("What the numbers are drawn from.", valueName: "number"))
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Seconds a step.", valueName: "seconds"))
  var seconds = 1.0

  @Option(help: ArgumentHelp("Only this step, standing still; from 1.", valueName: "number"))
  var frame: Int?

  @Flag(help: "Several steps on one sheet.")
  var storyboard = false

  @Option(
    help: ArgumentHelp("Which steps --storyboard shows, as in 1,5,9.", valueName: "numbers"))
  var steps: String?

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func validate() throws {
    if frame != nil, storyboard || steps != nil {
      throw ValidationError("--frame shows one step; it cannot be used with --storyboard.")
    }
  }

  func run() throws {
    var parameters = ArithmeticParameters()
    parameters.operation = .init(rawValue: operation.rawValue) ?? .convolution
    parameters.input = input.values
    parameters.kernel = kernel.values
    parameters.stride = stride.values
    parameters.padding = padding.values
    parameters.dilation = dilation.values
    parameters.outputPadding = outputPadding.values
    parameters.inputChannels = channels
    parameters.outputChannels = outputs
    parameters.groups = groups
    parameters.seed = seed
    let arithmetic = try ConvolutionArithmetic(parameters)
    if let frame {
      try drawing.write(try arithmetic.still(frame: frame))
    } else if storyboard || steps != nil {
      try drawing.write(try arithmetic.storyboard(frames: try chosenSteps()))
    } else if drawing.output.lowercased().hasSuffix(".png") {
      try drawing.write(try arithmetic.still(frame: arithmetic.frameCount))
    } else {
      try drawing.write(try arithmetic.animation(secondsPerStep: seconds))
    }
  }

  private func chosenSteps() throws(ConvoyError) -> [Int]? {
    guard let steps else { return nil }
    let parts = steps.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int($0) }
    guard numbers.count == parts.count else {
      throw ConvoyError(
        .argument, "Steps are expected as numbers with commas, as in 1,5,9; got ‘\(steps)’.")
    }
    return numbers
  }
}
