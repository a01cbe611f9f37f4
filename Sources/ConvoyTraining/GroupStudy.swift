import ConvoyFormats
public import ConvoyTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A study of the effect of filter groups: accuracy, cost and time of a network with several
/// numbers of groups, each trained from several seeds and otherwise with the same options.
public struct GroupStudy: Hashable, Sendable, Codable {
  /// One training.
  public struct Run: Hashable, Sendable, Codable {
    /// The number of groups.
    public var groups: Int
    /// The seed of initial parameters, order and augmentation.
    public var seed: UInt64
    /// The fraction of test images that are classified correctly after the training.
    public var accuracy: Double
    /// Trained parameters.
    public var parameters: Int
    /// Multiply-adds for one image.
    public var multiplyAdds: Int
    /// The time of all epochs, including the evaluation of held-out images after each.
    public var trainingSeconds: Double
    /// The time of the fastest run of the trained network on one image.
    public var forwardMilliseconds: Double
    /// The number of threads.
    public var threads: Int

    /// A training's results.
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

  /// A mean and a standard deviation.
  public struct Spread: Hashable, Sendable, Codable {
    /// The mean.
    public var mean: Double
    /// The sample standard deviation, with n − 1; nil for a single number.
    public var deviation: Double?

    /// The mean and deviation of numbers.
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
    /// The seeds of the trainings.
    public var seeds: [UInt64]
    /// Trained parameters.
    public var parameters: Int
    /// Multiply-adds for one image.
    public var multiplyAdds: Int
    /// See `Run.accuracy`.
    public var accuracy: Spread
    /// See `Run.trainingSeconds`.
    public var trainingSeconds: Spread
    /// See `Run.forwardMilliseconds`.
    public var forwardMilliseconds: Spread
  }

  /// The network's specification without its groups: `zoo:alexnet-small?classes=10`.
  public let model: String
  /// The data set, by the name for `DataSets.open`.
  public let data: String
  /// The options of every training, except the seed.
  public let options: TrainingOptions
  /// The trainings so far, by groups and seed.
  public private(set) var runs: [Run] = []

  /// A study without trainings.
  public init(model: String, data: String, options: TrainingOptions) {
    self.model = model
    self.data = data
    var options = options
    options.seed = 0
    self.options = options
  }

  // MARK: Runs

  /// Adds a training, and replaces an earlier one with the same groups and seed.
  public mutating func add(_ run: Run) {
    runs.removeAll { ($0.groups, $0.seed) == (run.groups, run.seed) }
    runs.append(run)
    runs.sort { ($0.groups, $0.seed) < ($1.groups, $1.seed) }
  }

  /// The trainings that are missing, in order: all numbers of groups with the first seed, then with
  /// the next, so that an interrupted study has something to compare.
  public func missing(groups: [Int], seeds: [UInt64]) -> [(groups: Int, seed: UInt64)] {
    let done = Set(runs.map { "\($0.groups) \($0.seed)" })
    return seeds.flatMap { seed in groups.map { (groups: $0, seed: seed) } }
      .filter { !done.contains("\($0.groups) \($0.seed)") }
  }

  /// The trainings by number of groups, ascending.
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

  /// The runs as comma-separated values with a header.
  public var csv: String {
    let names =
      "groups,seed,accuracy,parameters,multiplyAdds,trainingSeconds,forwardMilliseconds,threads"
    let rows = runs.map {
      "\($0.groups),\($0.seed),\($0.accuracy),\($0.parameters),\($0.multiplyAdds),"
        + "\($0.trainingSeconds),\($0.forwardMilliseconds),\($0.threads)"
    }
    return ([names] + rows).joined(separator: "\n") + "\n"
  }

  /// Writes the study as JSON, atomically: readers see the old file or the new one.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when it cannot be written.
  public func write(to path: String) throws(ConvoyError) {
    try AtomicFile.write(try json(.prettyPrinted) + "\n", to: path)
  }

  /// Reads a study from JSON.
  ///
  /// - Throws: `ConvoyError` when the file cannot be read or is not a study.
  public init(contentsOf path: String) throws(ConvoyError) {
    let bytes = try WholeFile.read(path, atMost: 1 << 28)
    do {
      self = try JSONDecoder().decode(GroupStudy.self, from: Data(bytes))
    } catch {
      throw ConvoyError(.format, "The file \(path) should hold a study of groups, but holds none.")
    }
  }
}
