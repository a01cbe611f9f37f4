import ArgumentParser
import Convoy

/// What ranks can do, as options of what divides networks over them.
struct RankSpeedArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What a rank can send, in Gbit/s, while it receives as much; 10 by default.",
      valueName: "Gbit/s"))
  var bandwidth: Double?

  @Option(
    help: ArgumentHelp(
      "From sending to arrival, in microseconds; 30 by default.", valueName: "µs"))
  var latency: Double?

  @Option(
    help: ArgumentHelp(
      "Thousand million multiply-adds a second that a rank computes; 50 by default.",
      valueName: "number"))
  var gmacs: Double?

  func validate() throws {
    for (name, value) in given {
      let least = name == "--latency" ? 0 : 0.001
      guard (least...1e9).contains(value) else {
        throw ValidationError(
          "Expected from \(least) to a thousand million in \(name), got \(value).")
      }
    }
  }

  /// Throws if any is given without ranks.
  func requireRanks(_ parallel: String?) throws(ValidationError) {
    guard parallel == nil, let name = given.first?.name else { return }
    throw ValidationError("\(name) is for the ranks of --parallel, which is not given.")
  }

  /// The default, but for what was given.
  var speed: RankSpeed {
    var speed = RankSpeed()
    if let bandwidth { speed.bandwidth = bandwidth * 1e9 / 8 }
    if let latency { speed.latency = latency * 1e-6 }
    if let gmacs { speed.multiplyAdds = gmacs * 1e9 }
    return speed
  }

  private var given: [(name: String, value: Double)] {
    [("--bandwidth", bandwidth), ("--latency", latency), ("--gmacs", gmacs)].compactMap {
      name, value in value.map { (name, $0) }
    }
  }
}
