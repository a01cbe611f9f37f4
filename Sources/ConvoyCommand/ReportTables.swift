import Convoy

extension Page.Block {
  /// A picture, or the sentence that says why it cannot be drawn: the rest of a report stands.
  static func drawn(_ make: () throws(ConvoyError) -> Picture) -> Page.Block {
    do {
      return .picture(try make())
    } catch {
      return .text(error.message)
    }
  }
}

extension NetworkCost {
  /// How costs are counted, for a report.
  static var notes: [Page.Block] {
    [
      .text(convention.split(separator: "\n").joined(separator: " ")),
      .text("Op/byte is the arithmetic intensity, two operations a multiply-add."),
    ]
  }
}

extension Page.Table {
  /// How many layers a table of costs shows; of longer networks, those that have parameters or
  /// multiply-adds.
  private static let mostLayers = 400

  /// What each layer of a network costs.
  static func cost(of graph: Graph) -> Page.Table {
    let cost = NetworkCost(graph)
    var layers = cost.layers
    var caption = "Of one image"
    if layers.count > mostLayers {
      let own = layers.filter { $0.cost.parameters > 0 || $0.cost.multiplyAdds > 0 }
      layers = Array(own.prefix(2 * mostLayers))
      caption += "; of \(cost.layers.count) layers, \(layers.count) that have parameters"
    }
    let rows = layers.map { layer in
      [
        layer.name, layer.label, layer.outputShape.description,
        layer.groups.map { "\($0)" } ?? "",
        layer.cost.parameters == 0 ? "" : layer.cost.parameters.grouped,
        layer.cost.multiplyAdds == 0 ? "" : layer.cost.multiplyAdds.grouped,
        layer.cost.multiplyAdds == 0 ? "" : layer.cost.intensity.text(1),
      ]
    }
    return Page.Table(
      caption,
      names: [
        "layer", "operator", "output", "groups", "parameters", "multiply-adds", "op/byte",
      ],
      rows: rows,
      total: [
        "total", "", "", "", cost.total.parameters.grouped, cost.total.multiplyAdds.grouped,
        cost.total.intensity.text(1),
      ], textColumns: [0, 1])
  }

  /// How a network was trained.
  static func options(_ options: TrainingOptions, model: String, data: String) -> Page.Table {
    var rows = [
      ["network", model], ["data", data], ["epochs", "\(options.epochs)"],
      ["images a step", "\(options.batch)"], ["optimiser", text(options.step.optimizer)],
      ["learning rate", text(options.rate)], ["weight decay", "\(options.step.weightDecay)"],
    ]
    if options.seed != 0 { rows.append(["seed", "\(options.seed)"]) }
    if options.step.labelSmoothing != 0 {
      rows.append(["label smoothing", "\(options.step.labelSmoothing)"])
    }
    if let clip = options.step.gradientClip { rows.append(["largest gradient", "\(clip)"]) }
    if options.augmentation != .none { rows.append(["augmentation", text(options.augmentation)]) }
    if let patience = options.patience { rows.append(["patience", "\(patience) epochs"]) }
    return Page.Table(
      "How it was trained", names: ["what", "how"], rows: rows, textColumns: [0, 1])
  }

  private static func text(_ optimizer: Optimizer) -> String {
    switch optimizer {
    case .sgd(let momentum, let isNesterov):
      "SGD, \(isNesterov ? "Nesterov " : "")momentum \(momentum)"
    case .adamW(let beta1, let beta2, _): "AdamW, β \(beta1) and \(beta2)"
    case .rmsProp(let smoothing, _, let momentum): "RMSprop, \(smoothing), momentum \(momentum)"
    }
  }

  private static func text(_ rate: LearningRate) -> String {
    let course =
      switch rate.course {
      case .constant: "constant"
      case .step(let every, let factor): "times \(factor) every \(every) epochs"
      case .cosine: "cosine"
      case .oneCycle: "one cycle"
      }
    return "\(rate.peak), \(course)"
      + (rate.warmUpEpochs > 0
        ? ", warm-up \(whole(rate.warmUpEpochs)) \(rate.warmUpEpochs == 1 ? "epoch" : "epochs")"
        : "")
  }

  /// Without `.0`.
  private static func whole(_ number: Float) -> String {
    Int(exactly: number).map { "\($0)" } ?? "\(number)"
  }

  private static func text(_ augmentation: Augmentation) -> String {
    var parts: [String] = []
    if augmentation.flips { parts.append("mirrored") }
    if augmentation.cropPadding > 0 { parts.append("cropped by \(augmentation.cropPadding)") }
    if augmentation.colorJitter > 0 { parts.append("colours by \(augmentation.colorJitter)") }
    return parts.joined(separator: ", ")
  }
}
