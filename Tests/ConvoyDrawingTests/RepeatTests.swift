import ConvoyGraphs
import ConvoyTensors
import ConvoyZoo
import Testing

@testable import ConvoyDrawing

@Suite struct RepeatTests {
  /// The published numbers of blocks, less those that differ: the first of a stage, and the last where
  /// something follows it.
  @Test(
    arguments: [
      ("resnet-18", [2]), ("resnet-34", [3, 3, 5, 2]), ("resnet-50", [2, 3, 5, 2]),
      ("resnext-50", [2, 3, 5, 2]), ("mobilenet-v1", [5]), ("mobilenet-v2", [2, 3, 2, 2]),
      ("shufflenet-v1", [3, 7, 3]), ("shufflenet-v2", [3, 7, 3]), ("xception", [8]),
      ("regnet-y-400mf", [2, 5, 5]), ("vgg-19", [3, 3, 4]), ("densenet-121", []), ("alexnet", []),
      ("googlenet", []),
    ])
  func blocksOfTheZoo(_ name: String, _ counts: [Int]) throws {
    #expect(
      NetworkBoxes(try Zoo.network(name).graph, isExpanded: false).repeats.map(\.count) == counts)
  }

  /// Put back as often as the brackets say, the boxes are those of the whole network.
  @Test(arguments: Zoo.entries.map(\.name)) func nothingIsLost(_ name: String) throws {
    let graph = try Zoo.network(name).graph
    let (whole, short) = (NetworkBoxes(graph), NetworkBoxes(graph, isExpanded: false))
    var works: [[String]] = []
    var next = 0
    for run in short.repeats {
      #expect(run.count >= 2 && run.boxes.lowerBound >= next)
      works += short.boxes[next..<run.boxes.lowerBound].map { [$0.work] + $0.tail }
      for _ in 0..<run.count { works += short.boxes[run.boxes].map { [$0.work] + $0.tail } }
      next = run.boxes.upperBound
    }
    works += short.boxes[next...].map { [$0.work] + $0.tail }
    #expect(works == whole.boxes.map { [$0.work] + $0.tail })
    // Every box that reads something still does.
    for boxes in [whole, short] {
      for (index, box) in boxes.boxes.enumerated() where box.role != nil {
        #expect(boxes.edges.contains { $0.to == index }, "\(box.name)")
      }
    }
    // Nothing but the block stands beside its bracket.
    let layout = LayeredLayout(
      widths: short.boxes.map { _ in 100 }, importance: short.boxes.map { _ in 0 },
      edges: short.edges)
    for run in short.repeats {
      let rows = NetworkBracket(run, layout).rows
      let inside = layout.items.filter { rows.contains($0.row) }.compactMap(\.box)
      #expect(Set(inside) == Set(run.boxes))
    }
  }

  /// Blocks of random operators, repeated: so many are found, until one of them differs.
  @Test func findsWhatWasRepeated() throws {
    var random = Random(seed: 12)
    for index in 0..<120 {
      let count = 2 + random.below(6)
      let steps = (0..<2 + random.below(4)).map { _ in random.below(4) }
      let isResidual = random.below(2) == 0
      // A kernel of another size in one block, or in none.
      let other = random.below(2) == 0 ? random.below(count) : nil
      let builder = GraphBuilder()
      var value = builder.input("image", [1, 3, 16, 16]).convolution(8, kernel: 7, padding: 3)
      for block in 0..<count {
        var inner = value
        for (place, step) in steps.enumerated() {
          let kernel = block == other && place == 0 ? 5 : 2 * place + 1
          switch step {
          case 0: inner = inner.convolution(8, kernel: kernel, padding: .same)
          case 1: inner = inner.convolution(8, kernel: kernel, padding: .same).relu()
          case 2: inner = inner.convolution(8, kernel: kernel, padding: .same, groups: 8)
          default:
            inner = inner.convolution(8, kernel: kernel, padding: .same, groups: 2).relu()
          }
        }
        value = isResidual ? inner + value : inner
      }
      builder.output("scores", value.convolution(4, kernel: 1).globalAveragePooling())
      let graph = try builder.finish()
      let runs = NetworkBoxes(graph, isExpanded: false).repeats
      let size = steps.count + (isResidual ? 1 : 0)
      if let other {
        let lengths = [other, count - other - 1].filter { $0 >= 2 }
        #expect(runs.map(\.count) == lengths, "\(index): \(steps), \(other) of \(count) differs")
      } else {
        #expect(runs.map(\.count) == [count], "\(index): \(steps)")
      }
      for run in runs { #expect(run.boxes.count == size) }
      for isExpanded in [false, true] {
        try expectSound(try .network(graph, title: "blocks", isExpanded: isExpanded))
      }
    }
  }

  /// What passes a block by keeps it from being drawn once: it would have to end in several places.
  @Test func edgesPastABlockAreKept() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", [1, 8, 8, 8])
    let first = image.convolution(8, kernel: 1)
    var value = first
    for _ in 0..<4 { value = value.convolution(8, kernel: 3, padding: 1).relu() }
    builder.output("scores", concatenate([value, first]))
    let graph = try builder.finish()
    #expect(NetworkBoxes(graph, isExpanded: false).repeats.isEmpty)
  }

  @Test func columnsAreEven() {
    var random = Random(seed: 13)
    for _ in 0..<200 {
      let heights = (0..<1 + random.below(60)).map { _ in Double(10 + random.below(90)) }
      let cuts = heights.indices.dropFirst().filter { _ in random.below(3) > 0 }
      let columns = 1 + random.below(6)
      let starts = ColumnBreaks.starts(heights: heights, cuts: Array(cuts), columns: columns)
      #expect(starts.first == 0 && starts.count <= columns)
      #expect(starts == starts.sorted() && Set(starts).count == starts.count)
      #expect(Set(starts.dropFirst()).isSubset(of: cuts))
      // With a cut before every row, no column is higher than its share and a row, by more than allowed.
      guard cuts.count == heights.count - 1 else { continue }
      let ends = starts.dropFirst() + [heights.count]
      let highest = zip(starts, ends).map { heights[$0..<$1].reduce(0, +) }.max() ?? 0
      #expect(highest <= 1.3 * (heights.reduce(0, +) / Double(columns) + 100))
    }
    #expect(
      ColumnBreaks.starts(heights: [10, 10, 10, 10], cuts: [1, 2, 3], columns: 2) == [0, 2])
  }
}
