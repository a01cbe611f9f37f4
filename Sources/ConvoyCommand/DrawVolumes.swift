import ArgumentParser
import Convoy

/// `convoy draw volumes`
struct DrawVolumes: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "volumes",
    abstract: "A convolution as blocks in perspective, with their extents.",
    discussion: """
      Examples:
        convoy draw volumes -o standard.svg           7×7×3 by 128 filters to 5×5×128
        convoy draw volumes --kernel 1 --channels 32 --outputs 64 --symbolic \\
          -o pointwise.svg
        convoy draw volumes --channels 24 --outputs 48 --groups 3 --padding 1 \\
          -o grouped.svg
        convoy draw volumes --channels 5 --outputs 5 --groups 5 -o depthwise.svg
      """)

  @Option(help: ArgumentHelp("The input's height and width.", valueName: "extents"))
  var input = ExtentsArgument([7, 7])

  @Option(help: ArgumentHelp("The kernel's height and width.", valueName: "extents"))
  var kernel = ExtentsArgument([3, 3])

  @Option(help: ArgumentHelp("Channels of the input.", valueName: "number"))
  var channels = 3

  @Option(help: ArgumentHelp("Channels of the output: filters.", valueName: "number"))
  var outputs = 128

  @Option(help: ArgumentHelp("Groups of channels.", valueName: "number"))
  var groups = 1

  @Option(help: ArgumentHelp("How far the kernel moves.", valueName: "number"))
  var stride = 1

  @Option(help: ArgumentHelp("Zeros on each side.", valueName: "number"))
  var padding = 0

  @Flag(help: "Letters, H×W×D, instead of numbers.")
  var symbolic = false

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func run() throws {
    var parameters = VolumeParameters()
    parameters.input = input.values
    parameters.kernel = kernel.values
    parameters.inputChannels = channels
    parameters.outputChannels = outputs
    parameters.groups = groups
    parameters.stride = stride
    parameters.padding = padding
    parameters.isSymbolic = symbolic
    try drawing.write(try .volumes(parameters))
  }
}
