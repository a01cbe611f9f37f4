import ConvoyBenchmarks
import ConvoyEngine
import ConvoyFormats
import ConvoyGraphs
import ConvoyTensors
import ConvoyTraining
import Testing

@Suite struct GroupStudyTrainingTests {
  static func network() throws -> Network {
    try Network(input: [1, 8, 8]) { image in
      image.convolution(8, kernel: 3, padding: 1, bias: false).batchNormalization().relu()
        .maxPooling(2).convolution(16, kernel: 3, padding: 1, groups: 4).relu()
        .globalAveragePooling().flattened().dropout(0.2).linear(10)
    }
  }

  /// What is learnt depends on the seed, and on nothing else.
  @Test func aSeedDecides() throws {
    let data = try DataSets.open("digits")
    let network = try Self.network()
    let study = GroupStudy(
      model: "zoo:x", data: "digits", options: TrainingOptions(epochs: 1, batch: 128))
    func run(_ seed: UInt64, threads: Int) throws -> GroupStudy.Run {
      var parts: [Double] = []
      let run = try study.trained(
        network, groups: 4, seed: seed, data: data,
        compileOptions: CompileOptions(pool: ThreadPool(threadCount: threads))
      ) { parts.append($0) }
      #expect(parts == parts.sorted() && parts.last == 1)
      return run
    }
    let (one, again) = (try run(1, threads: 1), try run(1, threads: 2))
    #expect(one.accuracy == again.accuracy)
    #expect(one.parameters == network.graph.cost.parameters)
    #expect(one.trainingSeconds > 0 && one.forwardMilliseconds > 0)
    #expect([one.threads, again.threads] == [1, 2])
  }
}
