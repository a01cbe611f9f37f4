import ConvoyFormats
import ConvoyTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What filter groups do to a network: what it learnt, cost and took with several numbers of groups, each
/// trained from several seeds and otherwise alike.
public struct GroupStudy: Hashable, Sendable, Codable {
  /// One training.
  public struct Run: Hashable, Sendable, Codable {
    /// The number of groups.
    public var groups: Int
    /// What initial parameters, order and augmentation derived from.
    public var seed: UInt64
    /// The part of the test images that was recognised in the end.
    public var accuracy: Double
    /// Trained numbers.
    public var parameters: Int
    /// Multiply-adds an image.
    public var multiplyAdds: Int
    /// All epochs, each with its examination on held-out images.
    public var trainingSeconds: Double
    /// The shortest run of the trained network on one image.
    public var forwardMilliseconds: Double
    /// The threads it was trained and timed with.
    public var threads: Int

    /// Describes a training.
    public init(
      groups: Int, seed: UInt64, accuracy: Double, parameters: Int, multiplyAdds: Int,
      trainingSeconds: Double, forwardMilliseconds: Double, threads: Int
    ) {
      self.groups = groups
      self.seed = seed
      self.accuracy = accuracy
      self.parameters = parameters
      self.multiplyAdds = multiplyAdds
      self.trainingSeconds = trainingSeconds
      self.forwardMilliseconds = forwardMilliseconds
      self.threads = threads
    }
  }

  /// A mean, and how far from it numbers lie.
  public struct Spread: Hashable, Sendable, Codable {
    /// The mean.
    public var mean: Double
    /// The standard deviation of a sample, with n − 1; nil of a single number.
    public var deviation: Double?

    /// Measures numbers.
    ///
    /// - Precondition: there is at least one.
    public init(of numbers: [Double]) {
      precondition(!numbers.isEmpty, "A mean is of at least one number.")
      let mean = numbers.reduce(0, +) / Double(numbers.count)
      self.mean = mean
      let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      deviation = numbers.count < 2 ? nil : (squares / Double(numbers.count - 1)).squareRoot()
    }
  }

  /// All trainings with one number of groups.
  public struct Summary: Hashable, Sendable, Codable {
    /// The number of groups.
    public var groups: Int
    /// The seeds it was trained from.
    public var seeds: [UInt64]
    /// Trained numbers.
    public var parameters: Int
    /// Multiply-adds an image.
    public var multiplyAdds: Int
    /// See `Run.accuracy`.
    public var accuracy: Spread
    /// See `Run.trainingSeconds`.
    public var trainingSeconds: Spread
    /// See `Run.forwardMilliseconds`.
    public var forwardMilliseconds: Spread
  }

  /// What the network was made from, but for the groups: `zoo:alexnet-small?classes=10`.
  public let model: String
  /// What was learnt from, as a person would name it to `DataSets.open`.
  public let data: String
  /// How each training went; its seed is a run's own.
  public let options: TrainingOptions
  /// The trainings so far, by groups and seed.
  public private(set) var runs: [Run] = []

  /// Begins a study.
  public init(model: String, data: String, options: TrainingOptions) {
    self.model = model
    self.data = data
    var options = options
    options.seed = 0
    self.options = options
  }

  // MARK: Runs

  /// Adds a training, in place of an earlier one with the same groups and seed.
  public mutating func add(_ run: Run) {
    runs.removeAll { ($0.groups, $0.seed) == (run.groups, run.seed) }
    runs.append(run)
    runs.sort { ($0.groups, $0.seed) < ($1.groups, $1.seed) }
  }

  /// The trainings that are still to be done, in the order given: all groups from the first seed, then
  /// from the next, so that a study which is broken off compares what it has.
  public func missing(groups: [Int], seeds: [UInt64]) -> [(groups: Int, seed: UInt64)] {
    let done = Set(runs.map { "\($0.groups) \($0.seed)" })
    return seeds.flatMap { seed in groups.map { (groups: $0, seed: seed) } }
      .filter { !done.contains("\($0.groups) \($0.seed)") }
  }

  /// The runs with each number of groups, fewest groups first.
  public var summaries: [Summary] {
    Dictionary(grouping: runs, by: \.groups).sorted { $0.key < $1.key }.map { groups, runs in
      Summary(
        groups: groups, seeds: runs.map(\.seed), parameters: runs[0].parameters,
        multiplyAdds: runs[0].multiplyAdds, accuracy: Spread(of: runs.map(\.accuracy)),
        trainingSeconds: Spread(of: runs.map(\.trainingSeconds)),
        forwardMilliseconds: Spread(of: runs.map(\.forwardMilliseconds)))
    }
  }

  // MARK: Files

  /// The runs as comma-separated values, with a line of names.
  public var csv: String {
    let names =
      "groups,seed,accuracy,parameters,multiplyAdds,trainingSeconds,forwardMilliseconds,threads"
    let rows = runs.map {
      "\($0.groups),\($0.seed),\($0.accuracy),\($0.parameters),\($0.multiplyAdds),"
        + "\($0.trainingSeconds),\($0.forwardMilliseconds),\($0.threads)"
    }
    return ([names] + rows).joined(separator: "\n") + "\n"
  }

  /// Writes the study as JSON; readers see the old file or the new one, never a part of either.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when it cannot be written.
  public func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(String(decoding: encoder.encode(self), as: UTF8.self) + "\n", to: path)
  }

  /// Reads a study from JSON.
  ///
  /// - Throws: `ConvoyError` when the file cannot be read or holds no study.
  public init(contentsOf path: String) throws {
    let bytes = try WholeFile.read(path, atMost: 1 << 28)
    do {
      self = try JSONDecoder().decode(GroupStudy.self, from: Data(bytes))
    } catch {
      throw ConvoyError(.format, "The file \(path) should hold a study of groups, but holds none.")
    }
  }
}
