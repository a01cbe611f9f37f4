import ConvoyTensors
import ConvoyTiles

/// Transforms a convolution's weights for `WinogradConvolution`: U = G·g·Gᵀ, computed in Double and
/// rounded once, as [36 points][output plane][input channel of the group][16 lanes]. The distance
/// between points is an odd number of cache lines, so that they do not map to the same few sets of
/// the cache.
///
/// Kernels are 3×3 or 5×5.
package struct WinogradWeights: Kernel {
  /// See `Kernel.name`.
  package let name = "transform weights"
  private let source: Region
  private let destination: Region
  private let order: WeightOrder
  /// For each lane of each output plane, its channel.
  private let channels: [Int?]
  private let inputsPerGroup: Int
  private let taps: Int
  /// Floats from a point to the next.
  private let pitch: Int
  /// Whether kernels are rotated by 180°, as transposed convolutions need them.
  private let isTurned: Bool

  /// The transform of a problem's weights, [O, I∕G, 3, 3] or [O, I∕G, 5, 5], or [I, O∕G, 3, 3] or
  /// [I, O∕G, 5, 5] if transposed.
  package init(_ problem: ConvolutionProblem, from source: Region, to destination: Region) {
    self.source = source
    self.destination = destination
    order = WeightOrder(problem)
    channels = problem.output.channelsByLane
    inputsPerGroup = problem.inputsPerGroup
    taps = problem.kernel[2]
    isTurned = problem.direction == .transposed
    pitch = Self.pitch(problem)
  }

  /// The floats of a problem's transformed weights: 4 times 3×3 weights, 1.44 times 5×5 weights, or
  /// more where the last output plane has unused lanes.
  package static func elementCount(_ problem: ConvolutionProblem) -> Int {
    WinogradTransform.points * WinogradTransform.points * pitch(problem)
  }

  /// Floats from a point to the next.
  static func pitch(_ problem: ConvolutionProblem) -> Int {
    (problem.output.planes.count * problem.inputsPerGroup | 1) * PlaneLayout.lanes
  }

  /// The cost of the transform, in multiplications of vectors: 28 ns for each kernel was measured.
  static func cost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
    let kernels = problem.output.planes.count * PlaneLayout.lanes * problem.inputsPerGroup
    return Double(kernels * machine.vectorsPerPlane) * 90
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { channels.count / PlaneLayout.lanes }

  /// See `Kernel.elementsRead(chunk:)`.
  package func elementsRead(chunk plane: Int) -> Range<Int>? {
    let lanes = PlaneLayout.lanes
    return order.indices(of: channels[plane * lanes..<(plane + 1) * lanes].lazy.compactMap { $0 })
  }

  /// Transforms the weights of one output plane.
  package func run(chunk plane: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let lanes = PlaneLayout.lanes
    let first = memory[destination] + plane * inputsPerGroup * lanes
    let starts = channels[plane * lanes..<(plane + 1) * lanes].map { channel in
      channel.map { memory[source] + order.index(output: $0, inputInGroup: 0, tap: 0) }
    }
    // The kernel of lanes without a channel.
    let nothing = [Float](repeating: 0, count: taps * taps)
    nothing.withUnsafeBufferPointer { nothing in
      guard let nothing = nothing.baseAddress else { return }
      // Lanes innermost: the 36 vectors of an input channel are stored while they are in the cache.
      for input in 0..<inputsPerGroup {
        let offset = input * order.inputStride
        func kernel(_ lane: Int) -> UnsafePointer<Float> {
          starts[lane].map { UnsafePointer($0 + offset) } ?? nothing
        }
        for lane in stride(from: 0, to: lanes, by: 4) {
          let kernels = (kernel(lane), kernel(lane + 1), kernel(lane + 2), kernel(lane + 3))
          let target = first + input * lanes + lane
          if taps == 3 {
            transform(kernels, taps: 3, Self.three, to: target)
          } else {
            transform(kernels, taps: 5, Self.five, to: target)
          }
        }
      }
    }
  }

  private typealias Kernels = (
    UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>
  )

  /// G·g·Gᵀ of four kernels, point by point.
  ///
  /// Inlined, so that the compiler knows the bounds of the loops over taps.
  @inline(__always)
  private func transform(
    _ kernels: Kernels, taps: Int, _ rows: Rows, to target: UnsafeMutablePointer<Float>
  ) {
    var g = InlineArray<25, SIMD4<Double>>(repeating: .zero)
    let last = taps * taps - 1
    for tap in 0...last {
      let index = isTurned ? last - tap : tap
      g[tap] = SIMD4<Double>(
        SIMD4<Float>(kernels.0[index], kernels.1[index], kernels.2[index], kernels.3[index]))
    }
    var columns = InlineArray<5, Line>(repeating: Line(repeating: .zero))
    for column in 0..<taps {
      var values = InlineArray<5, SIMD4<Double>>(repeating: .zero)
      for tap in 0..<taps { values[tap] = g[tap * taps + column] }
      columns[column] = rows.applied(to: values, taps: taps)
    }
    var target = target
    for row in 0..<WinogradTransform.points {
      var values = InlineArray<5, SIMD4<Double>>(repeating: .zero)
      for tap in 0..<taps { values[tap] = columns[tap][row] }
      let line = rows.applied(to: values, taps: taps)
      for column in 0..<WinogradTransform.points {
        UnsafeMutableRawPointer(target).storeBytes(
          of: SIMD4<Float>(line[column]), as: SIMD4<Float>.self)
        target += pitch
      }
    }
  }

  private typealias Line = InlineArray<6, SIMD4<Double>>

  /// The coefficients of G. Opposite points have equal coefficients of even taps, and opposite ones
  /// of odd taps.
  private struct Rows {
    /// The coefficient of the point 0.
    let zero: Double
    /// The coefficients of a and of b.
    let a: SIMD8<Double>
    let b: SIMD8<Double>

    init(_ transform: WinogradTransform) {
      func row(_ index: Int) -> SIMD8<Double> {
        var row = SIMD8<Double>.zero
        for (tap, number) in transform.weight[index].enumerated() { row[tap] = number }
        return row
      }
      (zero, a, b) = (transform.weight[0][0], row(1), row(3))
    }

    /// G times a vector with a value for each tap.
    @inline(__always)
    func applied(to values: InlineArray<5, SIMD4<Double>>, taps: Int) -> Line {
      let (evenA, oddA) = halves(values, a, taps: taps)
      let (evenB, oddB) = halves(values, b, taps: taps)
      return [
        values[0] * zero, evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, values[taps - 1],
      ]
    }

    @inline(__always)
    private func halves(
      _ values: InlineArray<5, SIMD4<Double>>, _ row: SIMD8<Double>, taps: Int
    ) -> (even: SIMD4<Double>, odd: SIMD4<Double>) {
      var even = values[0] * row[0]
      var odd = values[1] * row[1]
      for tap in stride(from: 2, to: taps, by: 2) { even += values[tap] * row[tap] }
      for tap in stride(from: 3, to: taps, by: 2) { odd += values[tap] * row[tap] }
      return (even, odd)
    }
  }

  private static let three = Rows(.three)
  private static let five = Rows(.five)
}
