import Convoy

/// Scores of classes, as people and programs read them.
struct Guesses {
  struct Guess: Encodable {
    var name: String
    var probability: Double
  }

  /// The classes of an image, the most probable first.
  let ranked: [Guess]

  /// - Parameters:
  ///   - scores: one a class: probabilities where they say so, or are from 0 and add up to 1; else the softmax of
  ///     them is taken.
  ///   - count: how many classes to name.
  init(_ scores: ArraySlice<Float>, _ notes: ModelNotes, top count: Int) {
    let sum = scores.reduce(0) { $0 + Double($1) }
    let areProbabilities =
      notes.areProbabilities || scores.allSatisfy { $0 >= 0 } && abs(sum - 1) < 1e-3
    let probabilities = areProbabilities ? scores.map(Double.init) : Array(scores).softmax
    let order = probabilities.indices.sorted {
      (probabilities[$0], $1) > (probabilities[$1], $0)
    }
    ranked = order.prefix(count).map { label in
      Guess(name: notes.name(ofClass: label), probability: probabilities[label])
    }
  }

  /// A line a class, indented.
  func print() {
    for guess in ranked {
      let percent = guess.probability.percent
      let padding = String(repeating: " ", count: max(0, 8 - percent.count))
      Console.line("  \(padding)\(percent)  \(guess.name)")
    }
  }
}

extension ModelNotes {
  /// A class's name, or its number where it has none.
  fileprivate func name(ofClass label: Int) -> String {
    guard let classNames, classNames.indices.contains(label) else { return "class \(label)" }
    return classNames[label]
  }
}

extension Tensor {
  /// The scores of each image: rows of at least two classes, with nothing behind them but extents of 1; nil for
  /// what is none.
  var scores: [ArraySlice<Float>]? {
    guard type == .float32, shape.rank >= 2, shape[1] >= 2,
      shape.dimensions.dropFirst(2).allSatisfy({ $0 == 1 })
    else { return nil }
    let elements = self.elements
    return (0..<shape[0]).map { elements[($0 * shape[1])..<($0 + 1) * shape[1]] }
  }
}
