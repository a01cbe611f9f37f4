import ConvoyTensors
import Testing

@testable import ConvoyGraphs

/// Operators that read images at places that are computed.
@Suite struct RegionTests {
  // MARK: Grids

  /// The grid of an image's own pixels gives the image.
  @Test func ownGridIsTheIdentity() throws {
    var random = Random(seed: 51)
    for shape: Shape in [[2, 3, 4, 5], [1, 2, 3, 2, 4]] {
      let image = ReferenceTensor(normal: shape, using: &random)
      let extents = shape.dimensions.dropFirst(2)
      for alignsCorners in [true, false] {
        var places: [Double] = []
        for _ in 0..<shape[0] {
          for position in Shape(extents).indices {
            for (index, extent) in zip(position, extents).reversed() {
              let (x, n) = (Double(index), Double(extent))
              places.append(alignsCorners ? 2 * x / (n - 1) - 1 : (2 * x + 1) / n - 1)
            }
          }
        }
        let grid = ReferenceTensor(Shape([shape[0]] + extents + [extents.count]), places)
        for filter in GridSampling.Filter.allCases {
          for border in GridSampling.Border.allCases {
            let sampling = GridSampling(filter, border: border, alignsCorners: alignsCorners)
            let made = try referenceOutputs(of: sampling, [image, grid])[0]
            expectClose(made, image, tolerance: 1e-5)
          }
        }
      }
    }
  }

  /// Borders far outside: 0, the corner, and something of the image.
  @Test func borders() throws {
    let image = ReferenceTensor([1, 1, 2, 2], [1, 2, 3, 4])
    for far in [1e3, 1e30, -.infinity, .infinity] {
      let grid = ReferenceTensor([1, 1, 1, 2], [far, far])
      for filter in GridSampling.Filter.allCases {
        for alignsCorners in [true, false] {
          func read(_ border: GridSampling.Border) throws -> Double {
            let sampling = GridSampling(filter, border: border, alignsCorners: alignsCorners)
            return try referenceOutputs(of: sampling, [image, grid])[0].elements[0]
          }
          #expect(try read(.zeros) == 0)
          #expect(abs(try read(.border) - (far < 0 ? 1 : 4)) < 1e-6)
          // A cubic filter goes beyond the numbers that it reads, by less than they differ.
          #expect((-2...7).contains(try read(.reflection)))
        }
      }
    }
    let nowhere = ReferenceTensor([1, 1, 1, 2], [.nan, 0])
    let made = try referenceOutputs(of: GridSampling(.linear), [image, nowhere])[0]
    #expect(made.elements == [0])
  }

  // MARK: Deformed windows

  private func randomConvolution(_ random: inout Random) -> (DeformableConvolution, [Shape]) {
    let (groups, offsetGroups) = (1 + random.below(2), 1 + random.below(2))
    let window = Window(
      kernel: [1 + random.below(3), 1 + random.below(3)], stride: 1 + random.below(2),
      dilation: 1 + random.below(2), padding: .uniform(random.below(2)))
    let convolution = DeformableConvolution(window, groups: groups, offsetGroups: offsetGroups)
    let shapes: [Shape] = [[2, 4, 7, 6], Shape([2 * groups, 4 / groups] + window.kernel)]
    return (convolution, shapes)
  }

  /// Without offsets it is a convolution; offsets of whole pixels move the image.
  @Test func offsetsOfWholePixelsMoveTheImage() throws {
    var random = Random(seed: 52)
    for _ in 0..<30 {
      let (deformable, shapes) = randomConvolution(&random)
      let inputs = shapes.map { ReferenceTensor(normal: $0, using: &random) }
      let plain = Convolution(deformable.window, groups: deformable.groups)
      let output = try plain.outputShapes(for: shapes)[0]
      let elements = deformable.offsetGroups * deformable.window.elementCount
      let (down, right) = (random.below(5) - 2, random.below(5) - 2)
      let places = output[2] * output[3]
      let offsets = (0..<2 * elements * 2 * places).map { index in
        Double(index / places % 2 == 0 ? down : right)
      }
      let offset = ReferenceTensor([2, 2 * elements, output[2], output[3]], offsets)
      let factors = ReferenceTensor([2, elements, output[2], output[3]], repeating: 0.5)
      let made = try referenceOutputs(of: deformable, inputs + [offset])[0]
      let halved = try referenceOutputs(of: deformable, inputs + [offset, factors])[0]
      var moved = ReferenceTensor(shapes[0])
      for position in shapes[0].indices {
        var source = position
        source[2] += down
        source[3] += right
        moved[position] = inputs[0].element(at: source) ?? 0
      }
      // Padding is moved with the image: what it hid is seen, so windows must stay inside.
      guard deformable.window.padding == .uniform(0) || down == 0 && right == 0 else { continue }
      let wanted = try referenceOutputs(of: plain, [moved, inputs[1]])[0]
      expectClose(made, wanted, tolerance: 1e-9)
      expectClose(
        halved, ReferenceTensor(wanted.shape, wanted.elements.map { $0 / 2 }), tolerance: 1e-9)
    }
  }

  // MARK: Regions

  /// The mean of a linear function over a cell is its value at the cell's centre.
  @Test func cellsOfARampHaveItsValues() throws {
    let ramp = ReferenceTensor([1, 1, 8, 8], (0..<64).map { Double($0 / 8 * 10 + $0 % 8) })
    let region = ReferenceTensor([1, 4], [1, 2, 5, 6])
    let index = ReferenceTensor([1], [0])
    for samples in [0, 1, 3] {
      let alignment = RegionAlignment(
        .mean, height: 2, width: 4, samples: samples, usesHalfPixels: false)
      let made = try referenceOutputs(of: alignment, [ramp, region, index])[0]
      let expected = [3.0, 5.0].flatMap { y in [1.5, 2.5, 3.5, 4.5].map { y * 10 + $0 } }
      expectClose(made, ReferenceTensor(made.shape, expected), tolerance: 1e-9)
    }
  }

  /// A region of all pixels, with a cell for each window, is a pooling.
  @Test func regionPoolingOfTheWholeIsAPooling() throws {
    var random = Random(seed: 53)
    let image = ReferenceTensor(normal: [2, 3, 6, 8], using: &random)
    let regions = ReferenceTensor([2, 5], [1, 0, 0, 7, 5, 0, 0, 0, 7, 5])
    let made = try referenceOutputs(of: RegionPooling(height: 3, width: 4), [image, regions])[0]
    let pooling = Pooling(.maximum, window: Window(kernel: [2, 2], stride: 2))
    let wanted = try referenceOutputs(of: pooling, [image])[0]
    let half = wanted.elements.count / 2
    #expect(made.elements == Array(wanted.elements[half...] + wanted.elements[..<half]))
  }

  /// The elements at the positions of the maxima are the maxima.
  @Test func positionsOfMaxima() throws {
    var random = Random(seed: 54)
    for _ in 0..<30 {
      let extents = (0..<1 + random.below(3)).map { _ in 4 + random.below(4) }
      let window = Window(
        kernel: extents.map { _ in 2 + random.below(2) }, stride: 1 + random.below(3),
        dilation: 1 + random.below(2), padding: .uniform(random.below(2)),
        roundsUp: random.below(2) == 0)
      let image = ReferenceTensor(normal: Shape([2, 2] + extents), using: &random)
      guard let maxima = try? referenceOutputs(of: Pooling(.maximum, window: window), [image])[0]
      else { continue }
      let rows = try referenceOutputs(of: PoolingPositions(window: window), [image])[0]
      let columns = try referenceOutputs(
        of: PoolingPositions(window: window, isColumnMajor: true), [image])[0]
      let permutation = [0, 1] + (2..<extents.count + 2).reversed()
      let transposed = try referenceOutputs(of: Transpose(permutation: permutation), [image])[0]
      for (index, maximum) in maxima.elements.enumerated() where rows.elements[index] >= 0 {
        #expect(image.elements[Int(rows.elements[index])] == maximum)
        #expect(transposed.elements[Int(columns.elements[index])] == maximum)
      }
    }
  }

  // MARK: Boxes

  /// No two kept boxes overlap too much, and each that is left out is worse than one that it overlaps
  /// with, or one too many.
  @Test func keptBoxes() throws {
    var random = Random(seed: 55)
    for _ in 0..<40 {
      let (images, classes, count) = (1 + random.below(2), 1 + random.below(3), 1 + random.below(9))
      let suppression = BoxSuppression(
        maximum: 1 + random.below(4), overlap: 0.3, leastScore: -0.5,
        isCentered: random.below(2) == 0)
      let boxes = Tensor(uniform: [images, count, 4], in: 0...1, using: &random)
      let scores = Tensor(normal: [images, classes, count], using: &random)
      let shape = try suppression.outputShapes(for: [boxes.shape, scores.shape])[0]
      let made = suppression.define([boxes, scores], outputs: [TensorType(shape, .int64)])[0]
      let rows = try made.elements(as: Int64.self).map { Int($0) }
      let found = (0..<shape[0]).map { Array(rows[$0 * 3..<$0 * 3 + 3]) }.filter { $0[0] >= 0 }
      for image in 0..<images {
        for group in 0..<classes {
          let kept = found.filter { $0[0] == image && $0[1] == group }.map { $0[2] }
          let own = (0..<count).map { scores.elements[(image * classes + group) * count + $0] }
          func overlap(_ a: Int, _ b: Int) -> Float {
            Self.overlap(boxes, image * count + a, image * count + b, suppression.isCentered)
          }
          #expect(kept.count <= suppression.maximum)
          #expect(kept == kept.sorted { own[$0] > own[$1] })
          for (index, a) in kept.enumerated() {
            #expect(own[a] > -0.5)
            for b in kept[..<index] { #expect(overlap(a, b) <= 0.3) }
          }
          for box in 0..<count where !kept.contains(box) && own[box] > -0.5 {
            let better = kept.filter { own[$0] > own[box] }
            #expect(
              better.contains { overlap($0, box) > 0.3 } || better.count == suppression.maximum)
          }
        }
      }
    }
  }

  private static func overlap(_ boxes: Tensor, _ a: Int, _ b: Int, _ isCentered: Bool) -> Float {
    func sides(_ box: Int) -> [ClosedRange<Float>] {
      let n = Array(boxes.elements[box * 4..<box * 4 + 4])
      return (0..<2).map { d in
        isCentered
          ? n[d] - n[d + 2] / 2...n[d] + n[d + 2] / 2 : min(n[d], n[d + 2])...max(n[d], n[d + 2])
      }
    }
    func area(_ sides: [ClosedRange<Float>]) -> Float {
      sides.reduce(1) { $0 * ($1.upperBound - $1.lowerBound) }
    }
    let (first, second) = (sides(a), sides(b))
    guard zip(first, second).allSatisfy({ $0.overlaps($1) }) else { return 0 }
    let common = area(zip(first, second).map { $0.clamped(to: $1) })
    return common / (area(first) + area(second) - common)
  }

  // MARK: Refusals

  @Test func refusals() {
    expectRefusal(
      of: GridSampling(.linear), inputs: [[2, 3, 4, 4], [2, 5, 5, 3]],
      "expected a grid of 4 dimensions that begin with 2 and end with 2, got 2×5×5×3")
    expectRefusal(
      of: BoxSuppression(maximum: 1, overlap: 0.5, leastScore: nil),
      inputs: [[1, 4, 4], [1, 2, 5]],
      "expected boxes B×N×4 and scores B×C×N, got 1×4×4 and 1×2×5")
    expectRefusal(
      of: RegionPooling(height: 1, width: 1), inputs: [[1, 2, 3, 3], [2, 4]],
      "expected images B×C×H×W and regions R×5, got 1×2×3×3 and 2×4")
    expectRefusal(
      of: DeformableConvolution(Window(kernel: [3, 3], padding: 1)),
      inputs: [[1, 2, 4, 4], [2, 2, 3, 3], [1, 9, 4, 4]],
      "expected input 3 of shape 1×18×4×4, got 1×9×4×4")
  }
}
