import ArgumentParser
import Convoy

/// `convoy draw confusion`
struct DrawConfusion: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "confusion",
    abstract: "What the classes of a trained network's test images were taken for.",
    discussion: """
      Examines the network on images it has not seen, as `convoy evaluate` does.

      Examples:
        convoy draw confusion runs/digits-1 -o confusion.svg
        convoy draw confusion runs/cifar-10-1 --data path/to/cifar-10-batches-bin \\
          -o c.html
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder that `convoy train` wrote, or its checkpoint.safetensors.", valueName: "run"))
  var trained: String

  @Option(
    help: ArgumentHelp(
      "The images, as for `convoy train`; those of the training by default.", valueName: "data"))
  var data: String?

  @Option(help: ArgumentHelp("What stands above.", valueName: "text"))
  var title: String?

  @OptionGroup(title: "Machine") var machine: ThreadArguments
  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func run() throws {
    let examination = try Examination(of: trained, data: data)
    let evaluation = try examination.run(options: machine.options)
    try drawing.write(
      try .confusion(
        evaluation.confusion, classNames: evaluation.classNames,
        title: title ?? "\(trained) on \(examination.dataName)"))
  }
}
