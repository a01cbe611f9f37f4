import ConvoyTensors
import ConvoyTiles

/// The products of a chunk: at each of the 36 points, the matrix of tiles × input channels times
/// that of input channels × output channels.
///
/// The distance between points is an odd number of pixels. If it were a large power of two, the 36
/// points of a tile would map to the same few sets of the first-level cache.
struct WinogradProducts: Equatable, Sendable {
  let tiles: Int
  /// Floats from a point to the next in the transformed inputs, each [input plane][tile][16 lanes].
  let inputPitch: Int
  /// Floats from a point to the next in the sums, each [output plane][tile][16 lanes].
  let outputPitch: Int
  private let inputs: Int
  /// Floats from a point to the next in the weights.
  private let weightPitch: Int
  private let panels: [Panel]
  /// For each input channel, the offset of its lane of the first tile from a point's beginning, and
  /// the offset of its weights.
  private let pairs: [DenseTile.Pair]

  /// Output planes that are computed together.
  private struct Panel: Equatable, Sendable {
    var planes: Range<Int>
    var tile: TileFunctions
  }

  private static let points = WinogradTransform.points * WinogradTransform.points

  /// - Parameters:
  ///   - inputPlanes: the planes of the input that hold the group's channels.
  ///   - planes: the number of output planes.
  init(
    _ problem: ConvolutionProblem, group: Int, inputPlanes: [Int], tiles: Int, planes: Int,
    _ machine: Machine
  ) throws(Refusal) {
    let lanes = PlaneLayout.lanes
    self.tiles = tiles
    inputs = problem.inputsPerGroup
    inputPitch = (inputPlanes.count * tiles | 1) * lanes
    outputPitch = (planes * tiles | 1) * lanes
    weightPitch = WinogradWeights.pitch(problem)
    pairs = (0..<inputs).map { input in
      let position = problem.input.map[group * problem.inputsPerGroup + input]
      let index = inputPlanes.firstIndex(of: position.plane) ?? 0
      return DenseTile.Pair(
        input: (index * tiles * lanes + position.lane) * Float.byteCount,
        weights: input * lanes * Float.byteCount)
    }
    var panels: [Panel] = []
    for panel in DensePanels(rows: 1, columns: tiles, planes: planes, machine: machine).panels {
      let functions = TileFunctions(
        rows: 1, columns: panel.columns, gridRows: 1, gridColumns: tiles
      ) { rows, columns in
        DenseTile(
          unit: machine.unit, rows: rows, columns: columns, planes: panel.planes.count,
          inputStep: lanes * Float.byteCount, outputStep: lanes * Float.byteCount, activation: .none
        )
      }
      guard let functions else { throw .noMemoryForCode }
      panels.append(Panel(planes: panel.planes, tile: functions))
    }
    self.panels = panels
  }

  /// Floats of the transformed inputs.
  var inputCount: Int { WinogradProducts.points * inputPitch }
  /// Floats of the sums.
  var outputCount: Int { WinogradProducts.points * outputPitch }

  /// Computes the sums of some output planes.
  func run(
    planes: Range<Int>, weights: UnsafePointer<Float>, values: UnsafePointer<Float>,
    sums: UnsafePointer<Float>, _ arguments: TileArguments<DenseField>
  ) {
    let lanes = PlaneLayout.lanes
    let pitch = inputs * lanes
    arguments.clearBias()
    arguments.set(.steps, inputs)
    arguments.set(.weightPitch, pitch * Float.byteCount)
    pairs.withUnsafeBufferPointer { pairs in
      if let address = pairs.baseAddress { arguments.set(.distances, address) }
      for point in 0..<WinogradProducts.points {
        let input = values + point * inputPitch
        let output = sums + point * outputPitch
        let pointWeights = weights + point * weightPitch + planes.lowerBound * pitch
        for panel in panels {
          arguments.set(.weights, pointWeights + panel.planes.lowerBound * pitch)
          panel.tile.run(rows: 1, columns: 0..<tiles, arguments) { tile in
            arguments.set(.inputs, input + tile * lanes)
            for (index, plane) in panel.planes.enumerated() {
              arguments.set(.outputs, at: index, output + (plane * tiles + tile) * lanes)
            }
          }
        }
      }
    }
  }
}

extension TileArguments<DenseField> {
  /// Sets the initial values of all sums to 0.
  func clearBias() {
    for plane in 0..<CommonField.maximalPlanes {
      base.storeBytes(
        of: .zero, toByteOffset: CommonField.bias.rawValue + 64 * plane, as: Lanes.self)
    }
  }
}
