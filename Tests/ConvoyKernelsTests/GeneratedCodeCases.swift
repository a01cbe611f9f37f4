import ConvoyAssembler
import ConvoyTensors
import ConvoyTiles

@testable import ConvoyKernels

/// A description of generated code, and the name under which its golden is kept.
struct GeneratedCodeCase: Sendable {
  var name: String
  var machine: Machine
  var description: any TileDescription
}

/// Descriptions of every family of generated code, for every machine that has such: what networks use, and the
/// edges of every choice that a generator makes.
///
/// The machines are made here, with caches of fixed sizes, so that the cases are the same on any host.
struct GeneratedCodeCases {
  private(set) var all: [GeneratedCodeCase] = []
  private let machine: Machine

  static let machines: [Machine] = {
    var caches = CacheSizes()
    caches.level1Data = 32 << 10
    caches.level2 = 1 << 20
    return Machine.families.map { $0.machine(caches) }
  }()

  static let all = machines.flatMap { GeneratedCodeCases($0).all }

  private init(_ machine: Machine) {
    self.machine = machine
    denseTiles()
    laneTiles()
    denseGradients()
    laneGradients()
    pointwise()
    pooling()
    winograd()
    add("peak", PeakTile(unit: machine.unit))
  }

  private mutating func add(_ name: String, _ description: some TileDescription) {
    all.append(GeneratedCodeCase(name: name, machine: machine, description: description))
  }

  /// Whether vectors fill a plane's pixel, which gives a machine masks, folding and broadcasts in multiplications.
  private var isWide: Bool { machine.vectorsPerPlane == 1 }
}

// MARK: - Convolutions

extension GeneratedCodeCases {
  private mutating func denseTiles() {
    func tile(_ rows: Int, _ columns: Int, _ planes: Int, _ activation: ActivationKind = .none)
      -> DenseTile
    {
      DenseTile(
        unit: machine.unit, rows: rows, columns: columns, planes: planes, inputStep: 64,
        outputStep: 64, activation: activation)
    }
    // The tiles of the suite's dense layers, those of their edges among them.
    for (rows, columns, planes) in [
      (54, 54, 6), (28, 28, 4), (14, 14, 64), (7, 7, 64), (56, 56, 9), (200, 200, 2), (13, 13, 12),
      (1, 1000, 7), (112, 112, 8),
    ] {
      let cut = DensePanels(rows: rows, columns: columns, planes: planes, machine: machine)
      for panel in cut.panels {
        let (below, beside) = (rows % panel.rows, columns % panel.columns)
        for height in [panel.rows, below] where height > 0 {
          for width in [panel.columns, beside] where width > 0 {
            let tile = tile(height, width, panel.planes.count)
            let name = "dense \(height)x\(width)x\(tile.planes)"
            if !all.contains(where: { $0.name == name }) { add(name, tile) }
          }
        }
      }
    }
    for activation in ActivationKind.allCases {
      add("dense 1x2x1 \(activation)", tile(1, 2, 1, activation))
    }
    for shape in machine.denseTiles {
      // As many sums as registers hold, so that a activation must put some aside.
      let full = tile(1, shape.pixels, shape.planes)
      for activation: ActivationKind in [.relu, .silu] {
        var tile = full
        tile.addsResidual = true
        tile.activation = activation
        add("dense 1x\(shape.pixels)x\(shape.planes) residual \(activation)", tile)
      }
      for (inputStep, outputStep) in [(128, 64), (16, 64), (12, 64), (64, 128)] {
        var tile = tile(2, shape.pixels / 2, shape.planes)
        tile.inputStep = inputStep
        tile.outputStep = outputStep
        add("dense 2x\(tile.columns)x\(shape.planes) steps \(inputStep) \(outputStep)", tile)
      }
      var ahead = tile(1, shape.pixels, shape.planes)
      ahead.fetchesAhead = true
      add("dense 1x\(shape.pixels)x\(shape.planes) ahead", ahead)
    }
    for factor in [2, 4, 8, 16] where isWide {
      for (rows, columns) in [(4, 7), (1, 5)] {
        var tile = tile(rows, columns, 1, .relu)
        tile.factor = factor
        add("dense \(rows)x\(columns)x1 folded \(factor) relu", tile)
      }
    }
  }

  /// Ways of reading that a machine has.
  private var accesses: [LaneReading] {
    let most = isWide ? LaneReading.maximalSources : 1
    return [.plain, .pairs, .quads] + (1...most).map { .permuted(sources: $0) }
  }

  private static func taps(_ rows: Int, _ columns: Int, dilation: Int = 1) -> [Extents] {
    (0..<rows).flatMap { row in (0..<columns).map { Extents(0, row * dilation, $0 * dilation) } }
  }

  private mutating func laneTiles() {
    func tile(
      _ rows: Int, _ columns: Int, _ taps: [Extents], step: Int = 1,
      _ access: LaneReading = .plain, isSingleStep: Bool = true, activation: ActivationKind = .none
    ) -> LaneTile {
      LaneTile(
        unit: machine.unit,
        LaneGeometry(
          rows: rows, columns: columns, taps: taps, rowStep: step, columnStep: step,
          access: access), outputStep: 64, isSingleStep: isSingleStep, activation: activation)
    }
    for access in accesses {
      for isSingleStep in [true, false] {
        let steps = isSingleStep ? "one step" : "steps"
        add(
          "lanes 2x3 of 3x3 \(access), \(steps)",
          tile(2, 3, Self.taps(3, 3), access, isSingleStep: isSingleStep))
      }
      add(
        "lanes 1x4 of 2x2 by 2 \(access) silu",
        tile(1, 4, Self.taps(2, 2), step: 2, access, activation: .silu))
    }
    let most = machine.laneTile.sums / 2
    add("lanes 2x\(most) of 3x3", tile(2, most, Self.taps(3, 3)))
    add("lanes 2x4 of 3x3 by 2 relu", tile(2, 4, Self.taps(3, 3), step: 2, activation: .relu))
    add("lanes 2x4 of 5x5 clip", tile(2, 4, Self.taps(5, 5), activation: .clip))
    add("lanes 1x5 of 7x7", tile(1, 5, Self.taps(7, 7)))
    add("lanes 1x6 of lines of 9", tile(1, 6, Self.taps(1, 9), isSingleStep: false))
    add("lanes 2x3 of 3x3 dilated", tile(2, 3, Self.taps(3, 3, dilation: 2)))
    add("lanes 1x3 of 1x1 steps", tile(1, 3, [.zero], .permuted(sources: 1), isSingleStep: false))
    add(
      "lanes 2x2 of 2x2x2",
      tile(2, 2, Self.taps(2, 2) + Self.taps(2, 2).map { $0 + Extents(1, 0, 0) }))
    var residual = tile(2, 3, Self.taps(3, 3), activation: .relu)
    residual.addsResidual = true
    add("lanes 2x3 of 3x3 residual relu", residual)
    residual.outputStep = 128
    residual.isSingleStep = false
    add("lanes 2x3 of 3x3 steps, residual relu, every other output", residual)
  }

  private mutating func denseGradients() {
    for shape in machine.denseTiles {
      for lineCount in 1...DenseGradientTile.maximalLines {
        let reads = (0..<shape.pixels).map { pair in
          DenseGradientTile.Read(line: pair % lineCount, distance: pair / lineCount * 16 + pair)
        }.sorted { $0.line < $1.line }
        add(
          "dense gradient \(shape.pixels)x\(shape.planes) of \(lineCount) lines",
          DenseGradientTile(
            unit: machine.unit, planes: shape.planes, reads: reads, imageStep: 64 * lineCount,
            gradientStep: 64))
      }
      add(
        "dense gradient 1x\(shape.planes)",
        DenseGradientTile(
          unit: machine.unit, planes: shape.planes, reads: [.init(line: 0, distance: 0)],
          imageStep: 4, gradientStep: 64))
    }
  }

  private mutating func laneGradients() {
    for access in accesses {
      for channel in 0..<access.channels {
        let geometry = LaneGeometry(
          rows: 1, columns: 2, taps: Self.taps(2, 2), rowStep: 1, columnStep: 1, access: access)
        let tile = LaneGradientTile(unit: machine.unit, geometry, channel: channel)
        if tile.fits { add("lane gradient 1x2 of 2x2 \(access) \(channel)", tile) }
      }
    }
    for (rows, columns, kernel, step) in [
      (1, 1, (1, 1), 1), (1, 4, (1, 1), 1), (2, 2, (3, 1), 1), (1, 2, (3, 3), 1),
      (2, 4, (3, 3), 1), (2, 3, (3, 3), 2), (1, 3, (1, 5), 1), (1, 3, (5, 3), 2),
    ] {
      let geometry = LaneGeometry(
        rows: rows, columns: columns, taps: Self.taps(kernel.0, kernel.1), rowStep: step,
        columnStep: step, access: .plain)
      let tile = LaneGradientTile(unit: machine.unit, geometry)
      if tile.fits {
        add("lane gradient \(rows)x\(columns) of \(kernel.0)x\(kernel.1) by \(step)", tile)
      }
    }
  }
}

// MARK: - Everything else

extension GeneratedCodeCases {
  private mutating func pointwise() {
    let operations: [PointwiseTile.Operation] = [
      .add, .subtract, .multiply, .divide, .maximum, .minimum, .leak,
    ]
    for operation in operations {
      for isFixed in [false, true] {
        add(
          "pointwise \(operation)\(isFixed ? " the same" : "")",
          PointwiseTile(
            unit: machine.unit, operation: operation, isSecondFixed: isFixed, activation: .none))
      }
    }
    for activation: ActivationKind in [.none, .relu, .gelu] {
      add(
        "pointwise normalize \(activation)",
        PointwiseTile(
          unit: machine.unit, operation: .normalize, isSecondFixed: true, activation: activation))
    }
    for activation in ActivationKind.allCases {
      add(
        "pointwise \(activation)",
        PointwiseTile(
          unit: machine.unit, operation: .none, isSecondFixed: false, activation: activation))
      add(
        "pointwise derivative \(activation)",
        PointwiseTile(
          unit: machine.unit, operation: .derivative, isSecondFixed: false, activation: activation)
      )
    }
  }

  private mutating func pooling() {
    for isMaximum in [true, false] {
      for (lines, taps, tapStep, columns, columnStep) in [
        (1, 1, 1, 1, 1), (2, 2, 1, 4, 2), (3, 3, 1, 4, 2), (3, 3, 1, 6, 1), (3, 2, 2, 3, 1),
        (7, 1, 1, 2, 7), (8, 3, 1, 5, 1),
      ] {
        add(
          "\(isMaximum ? "largest" : "average") of \(lines)x\(taps) step \(tapStep), "
            + "\(columns) columns by \(columnStep)",
          PoolingTile(
            unit: machine.unit, isMaximum: isMaximum, lines: lines, taps: taps, tapStep: tapStep,
            columns: columns, columnStep: columnStep))
      }
    }
    for (taps, tapStep, columns, columnStep) in [
      (1, 1, 1, 1), (2, 1, 4, 2), (3, 1, 3, 2), (3, 1, 6, 1), (2, 2, 3, 1),
    ] {
      add(
        "first largest of \(taps) step \(tapStep), \(columns) columns by \(columnStep)",
        FirstLargestTile(
          unit: machine.unit, taps: taps, tapStep: tapStep, columns: columns,
          columnStep: columnStep))
      for phase in 0..<min(2, columnStep) {
        let window = PoolingGradientTile.Geometry(
          taps: taps, tapStep: tapStep, step: columnStep, phase: phase)
        add(
          "gradient of largest of \(taps) step \(tapStep), \(columns * columnStep) columns by "
            + "\(columnStep) from \(phase)",
          PoolingGradientTile(unit: machine.unit, window: window, columns: columns * columnStep))
      }
    }
    for columns in [1, 7, PoolingGradientTile.maximalColumns(machine.unit)] {
      add(
        "gradient of average, \(columns) columns",
        PoolingGradientTile(unit: machine.unit, window: nil, columns: columns))
    }
  }

  private mutating func winograd() {
    for outputs in [2, 4] {
      for (rows, columns) in [(6, 6), (6, 4), (5, 6), (3, 3)] {
        add(
          "winograd input of \(outputs) \(rows)x\(columns)",
          WinogradInputTile(
            unit: machine.unit, WinogradPart(outputs: outputs, rows: rows, columns: columns)))
      }
      for (rows, columns, addsResidual, activation) in [
        (outputs, outputs, false, ActivationKind.none), (outputs, outputs, false, .relu),
        (outputs, outputs, true, .relu), (outputs, 1, false, .silu), (1, outputs, true, .none),
      ] {
        add(
          "winograd output of \(outputs) \(rows)x\(columns) \(activation)"
            + (addsResidual ? " residual" : ""),
          WinogradOutputTile(
            unit: machine.unit, WinogradPart(outputs: outputs, rows: rows, columns: columns),
            epilogue: Epilogue(addsResidual: addsResidual, activation: activation)))
      }
    }
  }
}

extension ActivationKind {
  static let relu = ActivationKind(.relu)
  static let clip = ActivationKind(.clip(low: 0, high: 6))
  static let silu = ActivationKind(.silu)
  static let gelu = ActivationKind(.gelu)
}
