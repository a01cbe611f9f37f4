import Convoy

/// What a training came to, as the page `report.html`.
struct TrainingReport {
  let checkpoint: Checkpoint
  let evaluation: Evaluation
  /// The images the network was examined on.
  let test: any DataSet

  /// How many mistakes are shown.
  static let mistakeLimit = 12

  /// - Throws: `ConvoyError` when a mistaken image cannot be read.
  var page: Page {
    get throws(ConvoyError) {
      Page(
        title: "\(name) on \(test.name)",
        summary: "\(evaluation.count.grouped) images that the network had not seen: "
          + "\(evaluation.correct.grouped) recognised, \(accuracy).",
        opening: [.facts(facts)],
        sections: [
          Page.Section("Training", training),
          Page.Section("Test images", examination),
          Page.Section("The mistakes it was surest of", try mistakes),
          Page.Section("The first layer's filters", FirstLayer(checkpoint.model).blocks),
          Page.Section(
            "What each layer costs",
            [.table(.cost(of: checkpoint.model.graph))]
              + NetworkCost.notes),
        ])
    }
  }

  private var name: String { checkpoint.specification ?? "A network" }
  private var accuracy: String { "\((evaluation.accuracy * 100).text(2)) %" }

  private var facts: [Page.Fact] {
    let cost = checkpoint.model.graph.cost
    let history = checkpoint.training?.history ?? []
    return [
      Page.Fact(
        "test accuracy", accuracy,
        note: "\(evaluation.correct.grouped) of \(evaluation.count.grouped) images"),
      Page.Fact("parameters", cost.parameters.grouped),
      Page.Fact("multiply-adds", cost.multiplyAdds.grouped, note: "an image"),
      Page.Fact(
        "epochs", "\(history.count)",
        note: "\(history.reduce(0) { $0 + $1.seconds }.text(1)) s of training"),
      Page.Fact("last loss", history.last.map { $0.loss.text(4) } ?? "–"),
    ]
  }

  // MARK: Training

  private var training: [Page.Block] {
    guard let training = checkpoint.training else { return [] }
    let points = training.history.map {
      HistoryPoint(
        epoch: $0.epoch, loss: $0.loss, trainingAccuracy: $0.trainingAccuracy,
        heldOutAccuracy: $0.heldOutAccuracy)
    }
    return [
      .row([
        .drawn { () throws(ConvoyError) in try .history(points, title: "Loss and accuracy") },
        .table(.options(training.options, model: name, data: training.data)),
      ])
    ]
  }

  // MARK: Examination

  private var examination: [Page.Block] {
    var rows: [[String]] = []
    for (label, name) in evaluation.classNames.enumerated() {
      let worst = evaluation.matrix.mostFrequentMistake(ofClass: label)
      rows.append([
        name, evaluation.count(ofClass: label).grouped,
        evaluation.recall(ofClass: label)?.percent ?? "–",
        evaluation.precision(ofClass: label)?.percent ?? "–",
        worst.map {
          "\(evaluation.classNames[$0]) (\(evaluation.confusion[label][$0])×)"
        } ?? "–",
      ])
    }
    // Of very many classes the worst are enough.
    let most = 200
    let shown =
      rows.count <= most
      ? Array(rows.indices)
      : rows.indices.sorted {
        (evaluation.recall(ofClass: $0) ?? 2, $0) < (evaluation.recall(ofClass: $1) ?? 2, $1)
      }.prefix(most).map { $0 }
    let caption =
      rows.count <= most
      ? "How each class fared" : "How the \(most) classes fared that were recognised least"
    return [
      .row([
        .drawn { () throws(ConvoyError) in
          try .confusion(evaluation.confusion, classNames: evaluation.classNames)
        },
        .table(
          Page.Table(
            caption, names: ["class", "images", "recognised", "precision", "taken most for"],
            rows: shown.map { rows[$0] }, textColumns: [0, 4])),
      ])
    ]
  }

  private var mistakes: [Page.Block] {
    get throws(ConvoyError) {
      guard !evaluation.mistakes.isEmpty else { return [.text("There are none.")] }
      let wrong = evaluation.count - evaluation.correct
      let tiles = try evaluation.mistakes.map { (mistake) throws(ConvoyError) in
        let names = [mistake.expected, mistake.got].map { evaluation.classNames[$0] }
        return Page.Tile(
          try PixelImage(test.image(at: mistake.index), atMost: 48),
          description: "Test image \(mistake.index), which shows \(names[0])",
          lines: [
            "\(names[0]), taken for \(names[1])",
            "\(mistake.confidence.percent) sure", "image \(mistake.index)",
          ])
      }
      let all = tiles.count == wrong
      return [
        .text(
          all
            ? "All \(wrong.grouped) that were not recognised, the surest first."
            : "\(tiles.count) of the \(wrong.grouped) that were not recognised, the surest first."),
        .tiles(tiles),
      ]
    }
  }
}

// MARK: - The first layer

/// A model's first convolution, and into which groups its filters fall.
struct FirstLayer {
  let blocks: [Page.Block]

  init(_ model: Model) {
    guard let layer = model.convolutions.first else {
      blocks = [.text("The network has no convolution whose weights are its own.")]
      return
    }
    let groups = layer.groups > 1 ? layer.groups : FirstLayer.groups(behind: layer, in: model.graph)
    let words =
      groups == layer.groups
      ? [] : [Page.Block.text("Sorted by the \(groups) groups of the layer that reads them.")]
    let isComparable =
      layer.weights.shape[0] >= 2
      && layer.weights.shape.elementCount / layer.weights.shape[0] >= 2
    let filters = Page.Block.drawn { () throws(ConvoyError) in
      try .filters(layer.weights, groups: groups, name: layer.name)
    }
    let correlation = Page.Block.drawn { () throws(ConvoyError) in
      try .filterCorrelation(
        layer.weights, groups: groups, name: "\(layer.name): how alike the filters are")
    }
    blocks = words + [.row(isComparable ? [filters, correlation] : [filters])]
  }

  /// The groups in which the next convolution reads a layer's channels, as far as what lies between
  /// keeps channels apart; 1 where nothing reads them in groups, or in as many as there are channels.
  static func groups(behind layer: LayerArguments.Chosen, in graph: Graph) -> Int {
    guard var value = graph.nodes.first(where: { $0.name == layer.name })?.outputs.first else {
      return 1
    }
    for _ in graph.nodes {
      let readers = graph.nodes.filter { $0.inputs.contains(value) }
      guard readers.count == 1, let reader = readers.first, let output = reader.outputs.first else {
        return 1
      }
      if let groups = graph.traits(of: reader).groups {
        let channels = layer.weights.shape[0]
        return groups < channels && channels % groups == 0 ? groups : 1
      }
      guard [.pooling, .normalization, .elementwise].contains(reader.operation.glyph.role) else {
        return 1
      }
      value = output
    }
    return 1
  }
}
