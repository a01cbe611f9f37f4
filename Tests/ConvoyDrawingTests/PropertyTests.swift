import ConvoyGraphs
import ConvoyTensors
import ConvoyZoo
import Testing

@testable import ConvoyDrawing

/// Names as files may hold them.
let hostileNames = [
  "a<b>&\"c\"", "\u{0}\u{1}\u{1F}", "", "]]>", String(repeating: "very.long.", count: 400),
  "层.卷积", "\u{202E}abc", "\u{FFFF}", "👩‍👩‍👧‍👦", "e\u{301}\u{302}\u{303}", "tab\tand\nline",
]

@Suite struct PropertyTests {
  @Test func volumesStayOnThePage() throws {
    var random = Random(seed: 3)
    var drawn = 0
    for _ in 0..<300 {
      var p = VolumeParameters()
      p.input = [1 + random.below(300), 1 + random.below(300)]
      p.kernel = [1 + random.below(9), 1 + random.below(9)]
      p.groups = 1 + random.below(random.below(2) == 0 ? 4 : 70)
      p.inputChannels = p.groups * (1 + random.below(40))
      p.outputChannels = p.groups * (1 + random.below(40))
      (p.stride, p.padding) = (1 + random.below(3), random.below(4))
      p.isSymbolic = random.below(2) == 0
      guard let picture = try? Picture.volumes(p) else { continue }
      drawn += 1
      try expectSound(picture, "\(p)")
    }
    #expect(drawn > 200)
  }

  @Test func connectionsStayOnThePage() throws {
    var random = Random(seed: 4)
    for _ in 0..<200 {
      let groups = 1 + random.below(4)
      let channels = groups * (1 + random.below(6))
      let kinds = (0..<1 + random.below(6)).map { _ -> ConnectionDiagram.Layer.Kind in
        switch random.below(3) {
        case 0: .shuffle(groups: groups)
        case 1:
          .convolution(kernel: [1, 3, 5, 7][random.below(4)], outputs: channels, groups: groups)
        default: .convolution(kernel: 3, outputs: channels, groups: channels)
        }
      }
      let diagram = try ConnectionDiagram(
        hostileNames[random.below(hostileNames.count)], channels: channels,
        isResidual: random.below(2) == 0, kinds)
      try expectSound(try .connections([diagram]), "\(diagram)")
    }
  }

  /// The lines drawn, space by channels, are the multiply-adds.
  @Test func linesAreProportionalToCost() throws {
    for diagram in ConnectionDiagram.primitives {
      guard case .convolution(let kernel, let outputs, let groups) = diagram.layers[0].kind else {
        continue
      }
      let paths = ConnectionDrawing(diagram).elements.filter { $0.name == "path" }
      let segments = paths.map { path in
        path.attributes.first { $0.key == "d" }?.value.count { $0 == "M" } ?? 0
      }
      // Colours of the channels first, then the lines of space; those at the edges lack neighbours.
      let channelLines = segments.dropLast().reduce(0, +)
      #expect(channelLines == diagram.channels * outputs / groups)
      #expect(segments.last == (kernel == 1 ? 7 : 3 * 7 - 2))
    }
  }

  @Test func weightsStayOnThePage() throws {
    var random = Random(seed: 5)
    for index in 0..<55 {
      let groups = 1 + random.below(9)
      let shape = Shape([
        groups * (1 + random.below(20)), 1 + random.below(20), 1 + random.below(7),
        1 + random.below(7),
      ])
      var weights = Tensor(normal: shape, using: &random)
      // What diverged training leaves behind.
      if index % 10 == 0 {
        weights = Tensor(shape, repeating: [.nan, .infinity, 0][index / 10 % 3])
      }
      let name = hostileNames[index % hostileNames.count]
      try expectSound(try .channelMatrix(weights, groups: groups, name: name), "\(shape)")
      if let picture = try? Picture.filters(weights, groups: groups, name: name) {
        try expectSound(picture, "\(shape)")
      }
      if shape.elementCount / shape[0] >= 2 {
        try expectSound(try .filterCorrelation(weights, groups: groups, name: name), "\(shape)")
      }
    }
    let tensor = Tensor([6, 4], repeating: 1)
    #expect(throws: ConvoyError.self) { try Picture.channelMatrix(tensor, groups: 4) }
    #expect(throws: ConvoyError.self) { try Picture.channelMatrix(tensor, groups: 0) }
    #expect(throws: ConvoyError.self) { try Picture.filters(tensor, groups: 1, name: "") }
    #expect(throws: ConvoyError.self) {
      try Picture.filterCorrelation(Tensor([6], repeating: 1), groups: 1, name: "")
    }
  }

  @Test func measurementsStayOnThePage() throws {
    var random = Random(seed: 6)
    for index in 0..<150 {
      func number() -> Double {
        [0, 1, -3, 1e-7, 1e7, .nan, .infinity, 0.5][random.below(8)] * Double(random.uniform())
      }
      let points = (1...1 + random.below(60)).map {
        HistoryPoint(
          epoch: $0, loss: number(), trainingAccuracy: Double(random.uniform()),
          heldOutAccuracy: Double(random.uniform()))
      }
      let name = hostileNames[index % hostileNames.count]
      try expectSound(try .history(points, title: name), "\(points)")
      let layers = (0..<1 + random.below(60)).map { layer in
        RooflinePoint(
          name: hostileNames[layer % hostileNames.count],
          intensity: Double(random.uniform()) * 1000 + 0.01,
          gigaflopsPerSecond: Double(random.uniform()) * 500 + 0.01,
          family: hostileNames[random.below(hostileNames.count)])
      }
      try expectSound(
        try .roofline(layers, peak: 100, bandwidth: index % 2 == 0 ? nil : 10, title: name))
    }
    #expect(throws: ConvoyError.self) { try Picture.history([], title: "") }
    #expect(throws: ConvoyError.self) { try Picture.roofline([], peak: 1, bandwidth: nil) }
  }

  @Test func confusionsStayOnThePage() throws {
    var random = Random(seed: 10)
    for index in 0..<200 {
      let count =
        index < 4 ? [1, 2, 99, 100][index] : 1 + random.below(random.below(2) == 0 ? 12 : 60)
      let most = [1, 10, 1000, 1 << 40, .max][random.below(5)]
      let counts = (0..<count).map { row in
        (0..<count).map { column in
          random.below(row == column ? 2 : 6) == 0 ? random.below(most) : (index < 4 ? most : 0)
        }
      }
      let names = (0..<count).map { "\(hostileNames[random.below(hostileNames.count)])\($0)" }
      let plain = (0..<count).map { "\($0)" }
      try expectSound(
        try .confusion(
          counts, classNames: index % 3 == 0 ? names : plain,
          title: hostileNames[index % hostileNames.count]), "\(count) classes")
    }
    for (counts, names) in [
      ([], []), ([[1]], ["a", "b"]), ([[1, 2], [1]], ["a", "b"]), ([[-1]], ["a"]),
      (Array(repeating: Array(repeating: 0, count: 101), count: 101), (0...100).map { "\($0)" }),
    ] as [([[Int]], [String])] {
      #expect(throws: ConvoyError.self) { try Picture.confusion(counts, classNames: names) }
    }
  }

  @Test func studiesStayOnThePage() throws {
    var random = Random(seed: 7)
    for index in 0..<400 {
      func number() -> Double {
        let numbers = [0, 1, -3, 1e-7, 1e7, .nan, .infinity, 0.5, 1e300, 1e-300, 1e11]
        return numbers[random.below(numbers.count)]
          * (index % 2 == 0 ? 1 : Double(random.uniform()))
      }
      func whole() -> Int { [0, 1, 94_634, 1 << 40, .max, 1 << random.below(62)][random.below(6)] }
      // Sometimes all alike, sometimes from one seed.
      let (isSame, accuracy, size) = (random.below(3) == 0, Double(random.uniform()), whole())
      let points = (0..<1 + random.below(24)).map { position in
        StudyPoint(
          groups: position == 23 ? .max : 1 << position, seeds: random.below(4),
          accuracy: StudyPoint.Spread(
            isSame ? accuracy : (random.below(9) == 0 ? number() : Double(random.uniform())),
            deviation: random.below(2) == 0 ? nil : number()),
          parameters: isSame ? size : whole(), multiplyAdds: isSame ? size : whole(),
          milliseconds: StudyPoint.Spread(
            isSame ? 0.25 : number(), deviation: random.below(2) == 0 ? nil : number()))
      }
      let name = hostileNames[index % hostileNames.count]
      guard points.contains(where: { $0.accuracy.mean.isFinite }) else {
        #expect(throws: ConvoyError.self) { try Picture.study(points, title: name) }
        continue
      }
      try expectSound(try .study(points, title: name), "\(points)")
    }
    let point = StudyPoint(
      groups: 2, seeds: 1, accuracy: StudyPoint.Spread(1), parameters: 1, multiplyAdds: 1,
      milliseconds: StudyPoint.Spread(1))
    for points in [[], [point, point]] {
      #expect(throws: ConvoyError.self) { try Picture.study(points, title: "") }
    }
  }

  /// Labels of a study lie on nothing: neither on points, nor on each other.
  @Test func labelsOfStudiesAreFree() throws {
    var random = Random(seed: 8)
    for _ in 0..<200 {
      let points = (0..<1 + random.below(5)).map { position in
        StudyPoint(
          groups: 1 << position, seeds: 1,
          accuracy: StudyPoint.Spread(0.9 + 0.1 * Double(random.uniform())),
          parameters: 1000 + random.below(90_000), multiplyAdds: 1000 + random.below(9_000_000),
          milliseconds: StudyPoint.Spread(0.02 + Double(random.uniform())))
      }
      let drawn = try StrictXML(try Picture.study(points, title: "").svg()).drawn
      let labels = drawn.filter { what, _ in
        what.hasSuffix("group’") || what.hasSuffix("groups’")
          || ["‘1’", "‘2’", "‘4’", "‘8’"].contains(what)
      }
      let circles = drawn.filter { $0.what == "circle" }
      #expect(circles.count == 3 * points.count && labels.count >= circles.count)
      for (index, label) in labels.enumerated() {
        for other in circles + labels[..<index] {
          let (a, b) = (label.box, other.box)
          let isApart =
            a.maxX <= b.x + 1 || b.maxX <= a.x + 1 || a.maxY <= b.y + 1 || b.maxY <= a.y + 1
          #expect(isApart, "\(label) lies on \(other)")
        }
      }
    }
  }

  @Test(arguments: Zoo.entries.map(\.name)) func networksStayOnThePage(_ name: String) throws {
    let graph = try Zoo.network(name).graph
    for isExpanded in [false, true] {
      try expectSound(try .network(graph, title: name, isExpanded: isExpanded))
      expectWellPlaced(NetworkBoxes(graph, isExpanded: isExpanded))
    }
  }

  private func expectWellPlaced(_ boxes: NetworkBoxes) {
    // No edge is lost, and every edge leads to a later row.
    let layout = LayeredLayout(
      widths: boxes.boxes.map { _ in 100 }, importance: boxes.boxes.map { _ in 0 },
      edges: boxes.edges)
    for (edge, route) in zip(boxes.edges, layout.routes) {
      #expect(route.first == edge.from && route.last == edge.to)
      for (a, b) in zip(route, route.dropFirst()) {
        #expect(layout.items[b].row == layout.items[a].row + 1)
      }
    }
    // Nothing overlaps in a row.
    for row in layout.rows {
      for (a, b) in zip(row, row.dropFirst()) {
        let (left, right) = (layout.items[a], layout.items[b])
        #expect(right.x - right.width / 2 >= left.x + left.width / 2 - 1e-6)
      }
    }
  }

  @Test func namesFromFilesAreEscaped() throws {
    for name in hostileNames {
      let builder = GraphBuilder()
      let image = builder.input("image", [1, 3, 8, 8])
      builder.output("scores", image.convolution(4, kernel: 3, name: "\(name)!").relu())
      try expectSound(try .network(try builder.finish(), title: name), "\(name)")
    }
  }

  /// AlexNet's towers: two boxes from conv1 to pool5, crossing into conv3 and nowhere else.
  @Test func alexNetHasTwoTowers() throws {
    let boxes = NetworkBoxes(try Zoo.network("alexnet").graph)
    let towers = boxes.boxes.filter { $0.towers == 2 }.map(\.name)
    #expect(
      towers == ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"])
    let mixing = boxes.edges.filter {
      boxes.boxes[$0.from].towers == 2 && boxes.boxes[$0.to].towers == 2
        && boxes.boxes[$0.to].mixesAll
    }
    #expect(mixing.map { boxes.boxes[$0.to].name } == ["conv3"])
  }
}
