import ConvoyEngine
import ConvoyFormats
import ConvoyGraphs
import ConvoyTensors
import Testing

@testable import ConvoyTraining

@Suite struct GroupStudyTests {
  static func run(_ groups: Int, _ seed: UInt64, accuracy: Double = 0.5) -> GroupStudy.Run {
    GroupStudy.Run(
      groups: groups, seed: seed, accuracy: accuracy, parameters: 100 / groups, multiplyAdds: 10,
      trainingSeconds: 2, forwardMilliseconds: 0.25, threads: 1)
  }

  static func study() -> GroupStudy {
    var options = TrainingOptions(epochs: 1, batch: 128)
    options.seed = 77
    return GroupStudy(model: "zoo:x", data: "digits", options: options)
  }

  @Test func spreadsAreThoseOfASample() {
    let spread = GroupStudy.Spread(of: [2, 4, 4, 4, 5, 5, 7, 9])
    #expect(spread.mean == 5)
    #expect(abs((spread.deviation ?? 0) - (32.0 / 7).squareRoot()) < 1e-12)
    #expect(GroupStudy.Spread(of: [3]).deviation == nil)
  }

  @Test func knowsWhatIsMissing() {
    var study = Self.study()
    study.add(Self.run(4, 2))
    study.add(Self.run(1, 1))
    let missing = study.missing(groups: [4, 1], seeds: [1, 2])
    #expect(missing.map(\.groups) == [4, 1])
    #expect(missing.map(\.seed) == [1, 2])
    // A run takes the place of one like it; all stand in order.
    study.add(Self.run(4, 2, accuracy: 0.75))
    #expect(study.runs == [Self.run(1, 1), Self.run(4, 2, accuracy: 0.75)])
  }

  @Test func summariesAreByGroups() {
    var study = Self.study()
    for (groups, seed, accuracy) in [(2, 1, 0.5), (1, 1, 0.25), (2, 3, 0.75)]
      as [(Int, UInt64, Double)]
    {
      study.add(Self.run(groups, seed, accuracy: accuracy))
    }
    #expect(study.summaries.map(\.groups) == [1, 2])
    #expect(study.summaries.map(\.accuracy.mean) == [0.25, 0.625])
    #expect(study.summaries[1].seeds == [1, 3])
    #expect(study.summaries[1].parameters == 50)
  }

  @Test func filesHoldIt() throws {
    var study = Self.study()
    study.add(Self.run(2, 18_446_744_073_709_551_615, accuracy: 0.1))
    #expect(study.options.seed == 0)
    try withTemporaryFolder { folder in
      let path = "\(folder)/study.json"
      try study.write(to: path)
      #expect(try GroupStudy(contentsOf: path) == study)
      try AtomicFile.write("{\"model\":", to: path)
      let error = #expect(throws: ConvoyError.self) { try GroupStudy(contentsOf: path) }
      #expect(error?.message.contains("should hold a study of groups") == true)
    }
    #expect(
      study.csv == """
        groups,seed,accuracy,parameters,multiplyAdds,trainingSeconds,forwardMilliseconds,threads
        2,18446744073709551615,0.1,50,10,2.0,0.25,1

        """)
  }
}
