import Convoy

/// What a study of groups came to, as the page `report.html`.
struct StudyReport {
  let study: GroupStudy

  var page: Page {
    let summaries = study.summaries
    return Page(
      title: "\(study.model) in groups",
      summary: "What filter groups do to accuracy, cost and time: \(study.runs.count) trainings on "
        + "\(study.data), alike but for groups and seed.",
      opening: [.facts(facts(summaries))],
      sections: [
        Page.Section(
          "Accuracy against cost",
          [
            .drawn { () throws(ConvoyError) in try study.picture(title: "Accuracy against cost") },
            .table(
              Page.Table(
                "Mean ± standard deviation over seeds", names: GroupStudy.Summary.names,
                rows: summaries.map(\.cells), textColumns: [])),
            .text(
              "Accuracy is that on images held out, forward the time of one image. Parameters and "
                + "multiply-adds are those of the whole network, one image."),
          ]),
        Page.Section("The trainings", [.table(runs)]),
        Page.Section(
          "How they were trained",
          [.table(.options(study.options, model: study.model, data: study.data))]),
      ])
  }

  /// What the most groups do, beside the fewest.
  private func facts(_ summaries: [GroupStudy.Summary]) -> [Page.Fact] {
    guard let few = summaries.first, let many = summaries.last else { return [] }
    func text(_ groups: Int) -> String { groups == 1 ? "1 group" : "\(groups) groups" }
    let best = summaries.reduce(few) { $1.accuracy.mean > $0.accuracy.mean ? $1 : $0 }
    var facts = [
      Page.Fact(
        "best accuracy", "\(best.accuracy.text(2, scale: 100)) %", note: text(best.groups))
    ]
    guard few.groups != many.groups else { return facts }
    let versus = "\(text(many.groups)) beside \(text(few.groups))"
    for (name, part) in [
      ("parameters", Double(many.parameters) / Double(max(1, few.parameters))),
      ("multiply-adds", Double(many.multiplyAdds) / Double(max(1, few.multiplyAdds))),
      ("time forward", many.forwardMilliseconds.mean / few.forwardMilliseconds.mean),
    ] where part.isFinite {
      facts.append(Page.Fact(name, part.percent, note: versus))
    }
    return facts
  }

  private var runs: Page.Table {
    Page.Table(
      "Each training",
      names: ["groups", "seed", "accuracy", "training s", "forward ms", "threads"],
      rows: study.runs.map {
        [
          "\($0.groups)", "\($0.seed)", "\(($0.accuracy * 100).text(2)) %",
          $0.trainingSeconds.text(1), $0.forwardMilliseconds.text(3), "\($0.threads)",
        ]
      }, textColumns: [])
  }
}
