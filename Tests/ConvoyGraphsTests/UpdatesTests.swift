import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyGraphs

/// The optimisers' steps against loops over one number, written from the papers' formulas.
@Suite struct UpdatesTests {
  /// Takes steps with an operator on a vector, and returns the parameter after each.
  ///
  /// The gradient at p is that of (p − target)², with a term that changes from step to step.
  static func steps(
    _ operation: some Operator, states: Int, countsSteps: Bool, count: Int, from start: [Double],
    rate: (Int) -> Double = { _ in 0.05 }
  ) throws -> [[Double]] {
    let shape = Shape([start.count])
    var parameter = ReferenceTensor(shape, start)
    var memory = Array(repeating: ReferenceTensor(shape), count: states)
    var path: [[Double]] = []
    for t in 1...count {
      let g = ReferenceTensor(
        shape, parameter.elements.indices.map { gradient(parameter.elements[$0], $0, t) })
      var inputs = [parameter, g] + memory + [ReferenceTensor([], [rate(t)])]
      if countsSteps { inputs.append(ReferenceTensor([], [Double(t)])) }
      let outputs = try referenceOutputs(of: operation, inputs)
      parameter = outputs[0]
      memory = Array(outputs[1...])
      path.append(parameter.elements)
    }
    return path
  }

  static func gradient(_ p: Double, _ element: Int, _ t: Int) -> Double {
    2 * (p - Double(element)) + 0.3 * sin(Double(t * (element + 1)))
  }

  static let start = [1.5, -0.7, 0.2, 3.0]

  static func expectClose(_ a: [[Double]], _ b: [[Double]]) {
    #expect(a.count == b.count)
    for (x, y) in zip(a.joined(), b.joined()) { #expect(abs(x - y) <= 1e-12 * max(1, abs(y))) }
  }

  /// The path of each number by itself: a closure takes it through all steps.
  static func scalarPaths(_ count: Int, _ body: (Int, Double) -> [Double]) -> [[Double]] {
    let columns = start.enumerated().map { body($0, $1) }
    return (0..<count).map { t in columns.map { $0[t] } }
  }

  @Test(arguments: [false, true], [Float(0), 0.01])
  func momentumMatchesAScalarLoop(_ isNesterov: Bool, _ decay: Float) throws {
    let operation = MomentumUpdate(momentum: 0.875, isNesterov: isNesterov, weightDecay: decay)
    let path = try Self.steps(
      operation, states: 1, countsSteps: false, count: 25, from: Self.start,
      rate: { 0.1 / Double($0) })
    let expected = Self.scalarPaths(25) { element, start in
      var (p, buffer, path) = (start, 0.0, [Double]())
      for t in 1...25 {
        var d = Self.gradient(p, element, t)
        d += Double(decay) * p
        buffer = buffer * 0.875 + d
        d = isNesterov ? d + 0.875 * buffer : buffer
        p += -0.1 / Double(t) * d
        path.append(p)
      }
      return path
    }
    Self.expectClose(path, expected)
  }

  @Test(arguments: [Float(0), 0.125])
  func adamMatchesAScalarLoop(_ decay: Float) throws {
    let operation = AdamUpdate(beta1: 0.875, beta2: 0.984375, epsilon: 1e-6, weightDecay: decay)
    let path = try Self.steps(
      operation, states: 2, countsSteps: true, count: 25, from: Self.start)
    let epsilon = Double(Float(1e-6))
    let expected = Self.scalarPaths(25) { element, start in
      var (p, m, v, path) = (start, 0.0, 0.0, [Double]())
      var (power1, power2) = (1.0, 1.0)
      for t in 1...25 {
        let g = Self.gradient(p, element, t)
        p -= 0.05 * Double(decay) * p
        m += (g - m) * 0.125
        v = v * 0.984375 + g * g * 0.015625
        power1 *= 0.875
        power2 *= 0.984375
        let denominator = v.squareRoot() / (1 - power2).squareRoot() + epsilon
        p -= 0.05 / (1 - power1) * m / denominator
        path.append(p)
      }
      return path
    }
    Self.expectClose(path, expected)
  }

  @Test(arguments: [Float(0), 0.5], [Float(0), 0.01])
  func rmspropMatchesAScalarLoop(_ momentum: Float, _ decay: Float) throws {
    let operation = RMSpropUpdate(
      smoothing: 0.9375, epsilon: 1e-6, momentum: momentum, weightDecay: decay)
    let path = try Self.steps(
      operation, states: 2, countsSteps: false, count: 25, from: Self.start)
    let epsilon = Double(Float(1e-6))
    let expected = Self.scalarPaths(25) { element, start in
      var (p, square, buffer, path) = (start, 0.0, 0.0, [Double]())
      for t in 1...25 {
        let g = Self.gradient(p, element, t) + Double(decay) * p
        square += (g * g - square) * 0.0625
        let scaled = g / (square.squareRoot() + epsilon)
        // PyTorch leaves the buffer out when there is no momentum; the step is the same.
        if momentum > 0 {
          buffer = buffer * Double(momentum) + scaled
          p -= 0.05 * buffer
        } else {
          p -= 0.05 * scaled
        }
        path.append(p)
      }
      return path
    }
    Self.expectClose(path, expected)
  }

  @Test(arguments: [false, true])
  func withoutMomentumItIsPlainDescent(_ isNesterov: Bool) throws {
    let operation = MomentumUpdate(momentum: 0, isNesterov: isNesterov, weightDecay: 0)
    let path = try Self.steps(
      operation, states: 1, countsSteps: false, count: 20, from: Self.start)
    let expected = Self.scalarPaths(20) { element, start in
      var p = start
      return (1...20).map { t in
        p -= 0.05 * Self.gradient(p, element, t)
        return p
      }
    }
    Self.expectClose(path, expected)
  }

  @Test func adamsFirstStepMovesByTheRate() throws {
    let operation = AdamUpdate(beta1: 0.9, beta2: 0.999, epsilon: 0, weightDecay: 0)
    let first = try Self.steps(
      operation, states: 2, countsSteps: true, count: 1, from: Self.start)[0]
    for (element, (before, after)) in zip(Self.start, first).enumerated() {
      let sign = Self.gradient(before, element, 1) > 0 ? 1.0 : -1.0
      #expect(abs(after - (before - 0.05 * sign)) < 1e-9)
    }
  }

  @Test func adamsDecayIsDecoupledFromTheGradient() throws {
    let operation = AdamUpdate(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.5)
    let p = ReferenceTensor([2], [3, -4])
    let zero = ReferenceTensor([2])
    let outputs = try referenceOutputs(
      of:
        operation,
      [p, zero, zero, zero, ReferenceTensor([], [0.25]), ReferenceTensor([], [1])])
    #expect(outputs[0].elements == [3 * 0.875, -4 * 0.875])
    #expect(outputs[1] == zero && outputs[2] == zero)
  }

  @Test func refusesHyperparametersOutOfRange() {
    let v: Shape = [3]
    for momentum in [Float.nan, -0.1, .infinity] {
      let update = MomentumUpdate(momentum: momentum, isNesterov: false, weightDecay: 0)
      #expect(throws: ConvoyError.self) { try update.outputShapes(for: [v, v, v, []]) }
    }
    let error = #expect(throws: ConvoyError.self) {
      try AdamUpdate(beta1: 1, beta2: 0.5, epsilon: 0, weightDecay: 0)
        .outputShapes(for: [v, v, v, v, [], []])
    }
    #expect(error?.message == "expected a beta1 from 0.0 to below 1, got 1.0")
    let rate = #expect(throws: ConvoyError.self) {
      try RMSpropUpdate(smoothing: 0.9, epsilon: 0, momentum: 0, weightDecay: 0)
        .outputShapes(for: [v, v, v, v, [1]])
    }
    #expect(rate?.message == "expected a scalar, got 1")
    let vector = #expect(throws: ConvoyError.self) {
      try MomentumUpdate(momentum: 0, isNesterov: false, weightDecay: 0)
        .outputShapes(for: [v, [4], v, []])
    }
    #expect(vector?.message == "expected a tensor of the parameter's shape 3, got 4")
  }
}
