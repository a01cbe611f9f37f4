import ConvoyTiles
import Foundation
import Testing

@testable import ConvoyKernels
@testable import ConvoyTensors

/// Every activation in generated code, against its form in Double, on every machine that this one
/// can be; and that nothing but the registers asked for is changed.
@Suite struct ActivationCodeTests {
  static let machines = GeneratedConvolutionTests.machines

  /// As few free registers as tiles leave and plenty, one sum and many.
  static let shapes: [(sums: Int, free: Int)] = [(1, 6), (1, 2), (3, 0), (8, 2), (12, 4)]

  /// Errors are measured against the result or 1; those of gates' products with x against x too.
  @Test(arguments: machines) func values(_ machine: Machine) throws {
    for function in LaneFunctionTests.functions {
      for shape in Self.shapes {
        let probe = try FunctionProbe(function, machine, sums: shape.sums, free: shape.free)
        let worst = worst(
          probe, LaneFunctionTests.numbers, atLeast: 1, orArgument: function.isGated
        ) { Double(Float(function($0))) }
        #expect(worst.error <= 1e-6, "\(function) at \(worst.at), \(shape)")
      }
    }
  }

  /// At a kink rounding may fall to either side.
  @Test(arguments: machines) func derivatives(_ machine: Machine) throws {
    for function in LaneFunctionTests.functions {
      for shape in Self.shapes {
        let probe = try FunctionProbe(
          function, machine, sums: shape.sums, free: shape.free, isDerivative: true)
        let numbers = LaneFunctionTests.numbers
        let wrong = zip(numbers, probe.run(numbers)).first { x, got in
          !LaneFunctionTests.isDerivative(got, of: function, at: x)
        }
        #expect(wrong == nil, "\(function), \(shape)")
      }
    }
  }

  /// Registers that tiles keep free for functions come from formulas alone, and must stay few.
  @Test func formulasFitRegisters() {
    #expect((1...10).contains(ActivationCode.maximalTemporaries))
  }

  /// The bounds that `VectorNumber` documents.
  @Test(arguments: machines) func elementaryFunctions(_ machine: Machine) throws {
    func expect(
      _ function: ScalarFunction, _ numbers: [Float], atLeast size: Double = 0, below bound: Double
    ) throws {
      let probe = try FunctionProbe(function, machine, sums: 8, free: 4)
      let worst = worst(probe, numbers, atLeast: size) { function($0) }
      #expect(worst.error <= bound, "\(function) at \(worst.at)")
    }
    let signed = LaneMathTests.positive.flatMap { [$0, -$0] }
    let extremes = LaneMathTests.extremes
    try expect(
      .exponential,
      LaneMathTests.sweep(-87.33...88.72, also: [0, 1e-30, -1e-30, 88, 88.3, 88.72]), below: 2e-7)
    try expect(
      .logarithm,
      LaneMathTests.positive + extremes
        + LaneMathTests.sweep(0.5...2, also: [1, 0.707_106_77, 1.414_213_5]), below: 2e-7)
    try expect(
      .sigmoid, LaneMathTests.sweep(-86...40) + extremes + [-100, 100], atLeast: 1e-36,
      below: 3e-7)
    try expect(
      .tanh, LaneMathTests.sweep(-12...12, also: [0.625, -0.625]) + signed + extremes,
      atLeast: Double(Float.leastNormalMagnitude), below: 3e-7)
    try expect(.gelu, LaneMathTests.sweep(-1...1) + extremes, atLeast: 1, below: 3e-7)
    try expect(
      .errorFunction, LaneMathTests.sweep(-5...5, also: [0.5, -0.5]) + extremes, atLeast: 1,
      below: 4e-7)
    let exponents: [Float] = [
      -40, -3, -2, -1, -0.5, 0, 0.1, 0.5, 1, 2, 2.5, 3, 64, .infinity, -.infinity,
    ]
    for exponent in exponents {
      try expect(
        .power(exponent: exponent), signed + extremes,
        atLeast: 1e-31, below: 1e-6)
    }
  }

  /// Infinite, not a number, 0 and the largest numbers: what the portable functions make of them.
  @Test(arguments: machines) func specialNumbers(_ machine: Machine) throws {
    let numbers =
      LaneMathTests.extremes + [
        88.722_84, 88.722_83, 89, 1e10, -87.336_54, -87.336_55, -104, -1e10,
      ]
      + [-.nan, Float(bitPattern: 0x7FFF_FFFF), Float(bitPattern: 0xFFC0_0155), 1e30, -1e30]
    for function in LaneFunctionTests.functions + [
      .leakyReLU(slope: -2), .clip(low: 1, high: 0),
    ] {
      let probe = try FunctionProbe(function, machine, sums: 3, free: 3)
      let wanted = LaneMathTests.apply(numbers) { function.lanes($0) }
      for (index, (got, want)) in zip(probe.run(numbers), wanted).enumerated() {
        // Infinite and zero results must be met exactly.
        let isMet =
          want.isFinite && want != 0
          ? abs(got - want) <= abs(want) * 1e-6 : want == got || want.isNaN && got.isNaN
        #expect(isMet, "\(function) of \(numbers[index]): \(got), expected \(want)")
      }
    }
  }

  /// Functions without products that are summed are the same to the last bit.
  @Test(arguments: machines) func exactFunctions(_ machine: Machine) throws {
    let numbers = LaneFunctionTests.numbers + LaneMathTests.positive.flatMap { [$0, -$0] }
    let functions: [ScalarFunction] = [
      .relu, .clip(low: -1, high: 0.5), .leakyReLU(slope: 0.01), .squareRoot, .square,
      .absoluteValue,
      .reciprocal, .step, .hardSwish,
    ]
    for function in functions {
      let probe = try FunctionProbe(function, machine, sums: 12, free: 2)
      let wanted = LaneMathTests.apply(numbers) { function.lanes($0) }
      for (index, (got, want)) in zip(probe.run(numbers), wanted).enumerated() {
        if want == got || want.isNaN && got.isNaN { continue }
        Issue.record("\(function) of \(numbers[index]): \(got), expected \(want)")
      }
    }
  }

  private func worst(
    _ probe: FunctionProbe, _ numbers: [Float], atLeast size: Double, orArgument: Bool = false,
    _ exact: (Double) -> Double
  ) -> (error: Double, at: Float) {
    var worst = (error: 0.0, at: Float(0))
    for (x, y) in zip(numbers, probe.run(numbers)) {
      let want = exact(Double(x))
      if Float(want) == y || want.isNaN && y.isNaN { continue }
      let least = orArgument ? max(size, abs(Double(x))) : size
      let error = abs(Double(y) - want) / max(abs(want), least)
      if !(error <= worst.error) { worst = (error.isNaN ? .infinity : error, x) }
    }
    return worst
  }
}

/// Generated code that applies a function to some registers while all others but the free ones hold
/// something.
struct FunctionProbe {
  private struct Code: TileDescription {
    let unit: VectorUnit
    let activation: ActivationKind
    let sums: Int
    let free: Int
    let isDerivative: Bool

    var name: String { "\(activation)\(isDerivative ? "'" : "") of \(sums)" }

    func write(_ w: any TileWriter) {
      var pool = RegisterPool(unit)
      let registers = pool.remainingVectors("all")
      let kept = registers.dropLast(free)
      let (input, output) = (pool.integer("input"), pool.integer("output"))
      let table = pool.integer("constants")
      w.function(pool) {
        w.load(input, w.argument(.inputs))
        w.load(output, w.argument(.outputs))
        for (index, register) in kept.enumerated() {
          w.load(register, input + index * unit.vectorBytes)
        }
        if isDerivative {
          let constants = ConstantTable(w, base: table)
          constants.load()
          activation.applyDerivative(
            to: registers.prefix(sums), free: registers.suffix(free), constants, w)
          constants.lay()
        } else {
          activation.apply(
            to: Array(registers.prefix(sums)), free: registers.suffix(free), table: table, w)
        }
        for (index, register) in kept.enumerated() {
          w.store(output + index * unit.vectorBytes, register)
        }
      }
    }
  }

  private let function: ScalarFunction
  private let code: Code
  private let tile: TileFunction

  init(
    _ function: ScalarFunction, _ machine: Machine, sums: Int, free: Int,
    isDerivative: Bool = false
  ) throws {
    self.function = function
    code = Code(
      unit: machine.unit, activation: ActivationKind(function), sums: sums, free: free,
      isDerivative: isDerivative)
    tile = try #require(TileKernels.function(code))
  }

  /// Applies the function, a few registers at a time, and checks the others.
  func run(_ numbers: [Float]) -> [Float] {
    let lanes = code.unit.lanes
    let count = code.sums * lanes
    var registers = (0..<code.unit.registerCount * lanes).map { Float($0) + 0.5 }
    let others = registers[count..<(code.unit.registerCount - code.free) * lanes]
    var results: [Float] = []
    TileArguments<NoField>.with { arguments in
      arguments.set(parametersOf: function)
      for start in stride(from: 0, to: numbers.count, by: count) {
        let part = numbers[start..<min(numbers.count, start + count)]
        registers.replaceSubrange(0..<part.count, with: part)
        registers.withUnsafeMutableBufferPointer { registers in
          guard let base = registers.baseAddress else { return }
          arguments.set(.inputs, base)
          arguments.set(.outputs, base)
          arguments.run(tile)
        }
        results += registers.prefix(part.count)
        if registers[others.indices] != others {
          Issue.record("\(code.activation) of \(code.sums) sums changed another register")
          return
        }
      }
    }
    return results
  }
}
