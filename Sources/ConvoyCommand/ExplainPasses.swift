import Convoy
import Synchronization

/// What the passes do to a model on its way to a plan.
struct PassExplanation {
  private let records: [PassRecord]

  /// Compiles a model, and keeps what each pass said.
  ///
  /// - Parameters:
  ///   - isTraining: whether it becomes a training step; else a network that is only run.
  ///   - machine: the name of the machine; this one's if nil.
  init(
    _ model: consuming Model, isTraining: Bool, machine: String?, usesWinograd: Bool
  ) throws(ConvoyError) {
    let kept = Records()
    var options = CompileOptions()
    options.usesWinograd = usesWinograd
    options.observePass = { kept.append($0) }
    options.machine = try Machine.named(machine)
    if isTraining {
      let step = try model.graph.trainingStep(
        batch: model.graph.batch, StepOptions(), observePass: options.observePass)
      _ = try step.compiledWithVariables(options: options)
    } else {
      _ = try model.compiled(options: options)
    }
    records = kept.all
  }

  private final class Records: Sendable {
    private let records = Mutex<[PassRecord]>([])
    func append(_ record: PassRecord) { records.withLock { $0.append(record) } }
    var all: [PassRecord] { records.withLock { $0 } }
  }

  /// A few lines for each pass.
  func print() {
    let width = records.map(\.name.count).max() ?? 0
    for (index, record) in records.enumerated() {
      let name = record.name + String(repeating: " ", count: width - record.name.count)
      let nodes =
        record.nodesBefore == record.nodesAfter
        ? "\(record.nodesAfter) nodes" : "\(record.nodesBefore) → \(record.nodesAfter) nodes"
      let number = index < 9 ? " \(index + 1)" : "\(index + 1)"
      Console.line("\(number)  \(name)  \(nodes)")
      Console.line("    \(record.summary)")
      for change in record.changes { Console.line("    · \(change)") }
      if record.changes.isEmpty { Console.line("    · nothing to do") }
    }
  }

  /// One JSON object for all.
  func printJSON() throws(ConvoyError) {
    struct Row: Encodable {
      var pass: String
      var stage: String
      var summary: String
      var nodesBefore: Int
      var nodesAfter: Int
      var changes: [String]
    }
    struct All: Encodable { var passes: [Row] }
    try Console.json(
      All(
        passes: records.map {
          Row(
            pass: $0.name, stage: $0.stage.rawValue, summary: $0.summary,
            nodesBefore: $0.nodesBefore, nodesAfter: $0.nodesAfter, changes: $0.changes)
        }))
  }

  /// Writes what there is after each pass: `03-constants.txt` for people, and for graphs also
  /// `03-constants.json`, which `Graph(json:)` reads.
  ///
  /// - Returns: how many files were written.
  func write(to folder: String) throws(ConvoyError) -> Int {
    try RunFolder.makeFolder(folder)
    var count = 0
    for (index, record) in records.enumerated() {
      let number = index < 9 ? "0\(index + 1)" : "\(index + 1)"
      let name = record.name.split(separator: " ").joined(separator: "-")
      let path = "\(folder)/\(number)-\(name)"
      try AtomicFile.write(record.text, to: path + ".txt")
      count += 1
      guard record.stage != .compile else { continue }
      try AtomicFile.write(record.graph.json(), to: path + ".json")
      count += 1
    }
    return count
  }
}
