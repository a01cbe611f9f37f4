import ArgumentParser
import Convoy

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The `convoy` command.
struct ConvoyCommand: ParsableCommand {
  /// Convoy's version.
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "convoy",
    abstract: "Describes, trains, evaluates and runs convolutional networks.",
    discussion: """
      Example:
        convoy train                          trains a network on bundled digits
        convoy evaluate runs/digits-1         examines what was trained
        convoy classify runs/digits-1 a.png   says what a picture shows
        convoy run zoo:resnet-18 --input x.npy --output out   runs any model
      """,
    version: version,
    subcommands: [
      Train.self, Evaluate.self, Classify.self, Run.self, Export.self, ListZoo.self, ShowCost.self,
      Study.self, Draw.self, Bench.self, Explain.self,
    ])
}

@main
enum Main {
  static func main() {
    Signals.prepare()
    do {
      let arguments = try CommandLine.validArguments()
      var command = try ConvoyCommand.parseAsRoot(
        ArgumentMessages.joiningNegativeNumbers(arguments))
      try command.run()
    } catch let error as ConvoyError {
      Console.error(error.message)
      let isUsage = error.kind == .argument || error.kind == .attribute
      exit(isUsage ? 64 : 1)
    } catch {
      let code = ConvoyCommand.exitCode(for: error)
      let text = ConvoyCommand.fullMessage(for: error)
      if !text.isEmpty {
        if code == .success {
          Console.lines(text)
        } else {
          Console.errorLines(ArgumentMessages.completed(text))
        }
      }
      exit(code.rawValue)
    }
  }
}

/// What the system does to a process on bad days.
private enum Signals {
  /// Lets writes to closed pipes and beyond the largest size of a file fail, as other errors do, and a process
  /// that Swift aborts, for which memory ran out, end with status 1 and without a dump of its stack.
  static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    signal(SIGABRT) { _ in
      let sentence: StaticString = "convoy: The memory did not suffice.\n"
      _ = write(STDERR_FILENO, sentence.utf8Start, sentence.utf8CodeUnitCount)
      _exit(1)
    }
  }
}

extension CommandLine {
  /// The arguments after the command's name.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` where one is not UTF-8: Swift would replace bytes of it, and a
  ///   path would be another.
  fileprivate static func validArguments() throws(ConvoyError) -> [String] {
    var valid: [String] = []
    for position in 1..<max(1, Int(argc)) {
      guard let bytes = unsafeArgv[position] else { break }
      guard let argument = String(validatingCString: bytes) else {
        throw ConvoyError(
          .argument,
          "The command takes arguments in UTF-8, but number \(position) reads "
            + "‘\(String(cString: bytes))’, where � stands for other bytes.")
      }
      valid.append(argument)
    }
    return valid
  }
}
