import ConvoyEngine
import ConvoyFormats
import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyTraining

@Suite struct EvaluationTests {
  /// Random scores of random images.
  static func evaluation(
    _ count: Int, limit: Int, seed: UInt64
  ) -> (Evaluation, images: [(label: Int, scores: [Float])]) {
    var random = Random(seed: seed)
    let images = (0..<count).map { _ in
      // Few different scores, so that some images are equally sure.
      (label: random.below(3), scores: (0..<3).map { _ in Float(random.below(3)) })
    }
    var evaluation = Evaluation(classNames: ["a", "b", "c"], mistakeLimit: limit)
    for (index, image) in images.enumerated() {
      evaluation.add(index: index, label: image.label, scores: image.scores)
    }
    return (evaluation, images)
  }

  @Test func countsAddUp() {
    for seed in 0..<20 {
      let (evaluation, images) = Self.evaluation(40, limit: 0, seed: UInt64(seed))
      let matrix = evaluation.matrix
      #expect(matrix.count == 40)
      #expect(
        matrix.correct == images.count { $0.scores.indexOfLargest == $0.label })
      #expect((0..<3).reduce(0) { $0 + matrix.count(ofClass: $1) } == 40)
      // The accuracy is the mean of the classes' recalls, weighted by their images.
      let weighted = (0..<3).reduce(0.0) {
        $0 + (matrix.recall(ofClass: $1) ?? 0) * Double(matrix.count(ofClass: $1))
      }
      #expect(abs(weighted / 40 - matrix.accuracy) < 1e-12)
      #expect(evaluation.mistakes.isEmpty)
    }
  }

  @Test func classesWithoutImagesHaveNoRates() {
    var matrix = ConfusionMatrix(classNames: ["a", "b", "c"])
    #expect(matrix.accuracy == 0)
    matrix.add(label: 0, guess: 0)
    matrix.add(label: 0, guess: 2)
    matrix.add(label: 0, guess: 1)
    #expect(matrix.recall(ofClass: 0) == 1.0 / 3)
    #expect(matrix.recall(ofClass: 1) == nil)
    #expect(matrix.precision(ofClass: 1) == 0)
    #expect(matrix.mostFrequentMistake(ofClass: 0) == 1)
    #expect(matrix.mostFrequentMistake(ofClass: 1) == nil)
  }

  @Test(arguments: [1, 5, 1000]) func theSurestMistakesAreKept(limit: Int) {
    for seed in 0..<20 {
      let (evaluation, images) = Self.evaluation(60, limit: limit, seed: UInt64(seed))
      let all = images.enumerated().filter { $0.element.scores.indexOfLargest != $0.element.label }
        .map { index, image in
          let guess = image.scores.indexOfLargest
          return Evaluation.Mistake(
            index: index, expected: image.label, got: guess,
            confidence: image.scores.softmax[guess])
        }
        .sorted { ($0.confidence, $1.index) > ($1.confidence, $0.index) }
      #expect(evaluation.mistakes == Array(all.prefix(limit)))
      #expect(
        evaluation.mistakes.allSatisfy { $0.confidence > 1.0 / 3 - 1e-12 && $0.confidence <= 1 })
    }
  }

  @Test func aReportComesBackFromItsFile() throws {
    let (evaluation, _) = Self.evaluation(40, limit: 4, seed: 1)
    let report = EvaluationReport(evaluation, data: "letters")
    let read = try JSONDecoder().decode(
      EvaluationReport.self, from: JSONEncoder().encode(report))
    #expect(read == report)
    #expect(try read.matrix() == evaluation.matrix)
    #expect(report.mistakes.count == 4)
    #expect(report.mistakes[0].expected != report.mistakes[0].got)
    let matrix = try JSONDecoder().decode(
      ConfusionMatrix.self, from: JSONEncoder().encode(evaluation.matrix))
    #expect(matrix == evaluation.matrix)
  }

  @Test(arguments: [[[1, 2], [3]], [[1, 2]], [[1, -2], [3, 4]], []])
  func whatIsNoMatrixIsRefused(counts: [[Int]]) {
    let error = #expect(throws: ConvoyError.self) {
      try ConfusionMatrix(classNames: ["a", "b"], counts: counts)
    }
    #expect(error?.message.contains("2 classes") == true)
  }

  @Test func indicesAreThoseOfTheDataSet() throws {
    let trainer = try TrainerTests.trainer(epochs: 1)
    _ = try trainer.runEpoch()
    let data = try DataSets.open("digits").test
    let classifier = try Classifier(trainer.checkpoint(), batch: 64)
    let evaluation = try classifier.evaluate(data, mistakeLimit: 10)
    #expect(evaluation.mistakes.count == min(10, evaluation.count - evaluation.correct))
    for mistake in evaluation.mistakes {
      #expect(data.label(at: mistake.index) == mistake.expected)
      #expect(mistake.got != mistake.expected)
      let single = try classifier.evaluate(data, indices: [mistake.index], mistakeLimit: 1)
      #expect(single.mistakes.map(\.got) == [mistake.got])
    }
  }
}
