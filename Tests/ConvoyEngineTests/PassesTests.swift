import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Synchronization
import Testing

@testable import ConvoyEngine

/// The way from a network to a plan, pass by pass.
@Suite struct PassesTests {
  private func model() throws -> Model {
    try Network(input: [3, 9, 9]) { image in
      let x = image.convolution(20, kernel: 3, padding: 1, bias: false).batchNormalization().relu()
      let y = x.convolution(20, kernel: 3, padding: 1, name: "second") + x
      return y.relu().dropout().globalAveragePooling().flattened().linear(5)
    }.initialized(seed: 3)
  }

  private func records(_ model: Model) throws -> (plan: Plan, records: [PassRecord]) {
    let records = Kept()
    var options = CompileOptions()
    options.observePass = { records.append($0) }
    let plan = try model.compiled(batch: 2, options: options)
    return (plan, records.all)
  }

  private final class Kept: Sendable {
    private let records = Mutex<[PassRecord]>([])
    func append(_ record: PassRecord) { records.withLock { $0.append(record) } }
    var all: [PassRecord] { records.withLock { $0 } }
  }

  @Test func namesAreUniqueAndSentencesEnd() {
    #expect(Set(Passes.all.map(\.name)).count == Passes.all.count)
    #expect(Passes.all.allSatisfy { $0.summary.hasSuffix(".") })
    // The list is in the order of the stages.
    let stages = Passes.all.map { PassStage.allCases.firstIndex(of: $0.stage) ?? 0 }
    #expect(stages == stages.sorted())
  }

  /// Each pass starts from where the one before it ended, and computes what the network does.
  @Test func everyPassIsToldOf() throws {
    let model = try model()
    let (plan, records) = try records(model)
    let stages: Set<PassStage> = [.simplify, .size, .compile]
    #expect(
      records.map(\.name) == Passes.all.filter { stages.contains($0.stage) }.map(\.name))
    #expect(records.first?.nodesBefore == model.graph.nodes.count)
    for (one, next) in zip(records, records.dropFirst()) {
      #expect(one.nodesAfter == next.nodesBefore)
    }
    func record(_ name: String) throws -> PassRecord {
      try #require(records.first { $0.name == name })
    }
    #expect(try record("idle operators").changes.first?.hasPrefix("removes dropout") == true)
    #expect(try record("channel affine").nodesAfter < record("channel affine").nodesBefore)
    #expect(try record("standardization").changes.isEmpty)
    let epilogues = try record("epilogues")
    #expect(
      epilogues.changes == ["functions in epilogues: 2", "residual sums in epilogues: 1"])
    #expect(epilogues.nodesAfter == epilogues.nodesBefore - 3)
    #expect(try record("memory").changes.contains { $0.hasPrefix("arena: ") })
    #expect(records.allSatisfy { !$0.text.isEmpty })
    // Nobody who looks on changes what is made.
    var random = Random(seed: 4)
    let image = Tensor(normal: [2, 3, 9, 9], using: &random)
    #expect(try plan(image) == model.compiled(batch: 2)(image))
    // What is left after a pass is a graph like any other.
    for record in records where record.stage != .compile {
      #expect(try Graph(json: record.graph.json()) == record.graph)
    }
  }

  @Test func simplifiedIsThoseOfItsStage() throws {
    let simple = try model().simplified()
    let last = try records(model()).records.last { $0.stage == .simplify }
    #expect(simple.graph == last?.graph)
  }

  @Test func programsThatReadWhatIsNotThereAreRefused() throws {
    var program = Program()
    let (a, b) = (program.arena(count: 4), program.arena(count: 4))
    program.steps.append(
      StepDraft(name: "copy", reads: [a], writes: [b]) {
        StridedCopy(contiguous: 4, from: $0.region(a), to: $0.region(b))
      })
    try program.verify(given: [a])
    let error = #expect(throws: ConvoyError.self) { try program.verify(given: []) }
    #expect(error?.message == "copy reads buffer 0 before it is written.")
  }
}
