import ConvoyGraphs
import ConvoyTensors
import Testing

@testable import ConvoyDrawing

/// Parameters that can be drawn, from a generator.
func randomArithmetic(_ random: inout Random) -> ArithmeticParameters {
  var p = ArithmeticParameters()
  p.operation = ArithmeticParameters.Operation.allCases[random.below(4)]
  p.input = [1 + random.below(8), 1 + random.below(8)]
  p.kernel = [1 + random.below(4), 1 + random.below(4)]
  p.stride = [1 + random.below(3), 1 + random.below(3)]
  p.dilation = [1 + random.below(2), 1 + random.below(2)]
  p.padding = [random.below(3), random.below(3)]
  let each = [1 + random.below(2), 1 + random.below(2)]
  p.groups = p.isPooling ? 1 : 1 + random.below(3)
  p.inputChannels = each[0] * p.groups
  p.outputChannels = each[1] * p.groups
  if p.operation == .transposed { p.outputPadding = [random.below(p.stride[0]), 0] }
  p.seed = random.next()
  return p
}

@Suite struct ArithmeticTests {
  /// The terms shown add up to the number shown, and that is the reference's.
  @Test func numbersAreTheReferences() throws {
    var random = Random(seed: 1)
    var counts: [ArithmeticParameters.Operation: Int] = [:]
    for _ in 0..<400 {
      let parameters = randomArithmetic(&random)
      guard let arithmetic = try? ConvolutionArithmetic(parameters) else { continue }
      counts[parameters.operation, default: 0] += 1
      let operation = ConvolutionArithmetic.operation(parameters)
      let inputs = [arithmetic.image] + (arithmetic.weights.map { [$0] } ?? [])
      let shapes = try operation.outputShapes(for: inputs.map(\.shape))
      let expected = operation.reference(inputs, outputs: shapes)[0]
      #expect(arithmetic.result == expected)
      for frame in 0..<arithmetic.frameCount {
        let step = arithmetic.step(frame)
        #expect(step.result == expected.elements[frame])
        switch parameters.operation {
        case .convolution, .transposed:
          // Small whole numbers: the sum is exact in any order.
          #expect(step.terms.reduce(0) { $0 + $1.value * ($1.weight ?? .nan) } == step.result)
        case .maximum:
          #expect(step.terms.filter { !$0.isPadding }.map(\.value).max() == step.result)
        case .average:
          let mean = step.terms.reduce(0) { $0 + $1.value } / Double(step.terms.count)
          #expect((mean - step.result).magnitude < 1e-12)
        }
      }
    }
    for operation in ArithmeticParameters.Operation.allCases {
      #expect(counts[operation, default: 0] > 10, "\(operation)")
    }
  }

  /// What stands in the output's cells of the picture is the result, number by number.
  @Test func pictureShowsTheResult() throws {
    var parameters = ArithmeticParameters()
    parameters.padding = [1, 1]
    parameters.seed = 7
    let arithmetic = try ConvolutionArithmetic(parameters)
    let still = try StrictXML(arithmetic.still(frame: arithmetic.frameCount).svg())
    let expected = arithmetic.result.elements.map(ArithmeticFormula.text)
    // In the order of drawing: the input, the window's weights, the heading, the kernel, the output.
    let start = still.texts.count - 1 - 2 - expected.count
    #expect(Array(still.texts[start..<start + expected.count]) == expected)
    let animation = try StrictXML(arithmetic.animation().svg())
    for number in Set(expected) { #expect(animation.texts.contains(number)) }
  }

  @Test func everythingStaysOnThePage() throws {
    var random = Random(seed: 2)
    var drawn = 0
    for index in 0..<160 {
      guard let arithmetic = try? ConvolutionArithmetic(randomArithmetic(&random)) else { continue }
      drawn += 1
      let frame = 1 + random.below(arithmetic.frameCount)
      try expectSound(arithmetic.still(frame: frame), "\(arithmetic.parameters)")
      if index % 4 == 0 {
        try expectSound(arithmetic.animation(), "\(arithmetic.parameters)")
        try expectSound(arithmetic.storyboard(), "\(arithmetic.parameters)")
      }
    }
    #expect(drawn > 60)
  }

  @Test func refusesWhatCannotBeRead() throws {
    let changes: [(inout ArithmeticParameters) -> Void] = [
      { $0.input = [200, 200] }, { $0.input = [5] }, { $0.kernel = [0, 3] },
      { $0.stride = [9, 9] }, { $0.groups = 2 }, { $0.groups = 0 }, { $0.inputChannels = 0 },
      { $0.outputChannels = 9 }, { $0.kernel = [7, 7] }, { $0.outputPadding = [1, 0] },
      {
        $0.operation = .transposed; $0.padding = [3, 3]
      },
      {
        $0.operation = .transposed; $0.groups = 3
      },
      {
        $0.operation = .maximum; $0.padding = [6, 6]
      },
      {
        $0.input = [14, 14]; $0.kernel = [7, 7]; $0.padding = [3, 3]; $0.inputChannels = 8
      },
      {
        $0.input = [14, 14]; $0.operation = .transposed; $0.stride = [4, 4]
      },
    ]
    for change in changes {
      var parameters = ArithmeticParameters()
      change(&parameters)
      let error = #expect(throws: ConvoyError.self) { try ConvolutionArithmetic(parameters) }
      let message = try #require(error?.message)
      #expect(message.hasSuffix("."), "\(message)")
      #expect(message.first?.isUppercase == true, "\(message)")
    }
    let arithmetic = try ConvolutionArithmetic(ArithmeticParameters())
    for frame in [0, -1, 10] {
      #expect(throws: ConvoyError.self) { try arithmetic.still(frame: frame) }
      #expect(throws: ConvoyError.self) { try arithmetic.storyboard(frames: [frame]) }
    }
    #expect(throws: ConvoyError.self) { try arithmetic.animation(secondsPerStep: .nan) }
    #expect(throws: ConvoyError.self) { try arithmetic.storyboard(frames: []) }
  }
}
