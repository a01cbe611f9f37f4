import ConvoyEngine
import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct RecognizeStandardizationTests {
  /// A network that normalises by hand.
  private func network(
    _ normalize: @escaping (Value, GraphBuilder) -> Value
  ) throws -> Network {
    let builder = GraphBuilder()
    let image = builder.input("image", [2, 5, 3, 4])
    builder.output("y", normalize(image.relu(), builder).tanh())
    return Network(try builder.finish())
  }

  private func operators(_ model: Model) -> [String] {
    model.graph.nodes.map { type(of: $0.operation).name }
  }

  /// The forms in which it is written out: ε by an affine function or a constant, the square as a
  /// product or a function.
  @Test(arguments: [[1], [2, 3], [3]], [true, false])
  func writtenOutNormalisation(dimensions: [Int], isPlain: Bool) throws {
    var random = Random(seed: 62)
    let network = try network { x, builder in
      let centred = x - x.mean(over: dimensions, keepsDimensions: true)
      let square = isPlain ? centred * centred : centred.applying(.square)
      let variance = square.mean(over: dimensions, keepsDimensions: true)
      let epsilon = builder.constant(Tensor([1], repeating: 1e-3), name: "epsilon")
      let moved = isPlain ? variance + epsilon : variance.scaled(by: 1, offset: 1e-3)
      return centred / moved.squareRoot()
    }
    let model = network.initialized(seed: 1)
    let simple = try model.simplified()
    #expect(operators(simple) == ["elementwise", Standardization.name, "elementwise"])
    let image = ReferenceTensor(Tensor(normal: [2, 5, 3, 4], using: &random))
    let expected = try model.outputsByReference(image)[0]
    let found = try simple.outputsByReference(image)[0]
    for (a, b) in zip(expected.elements, found.elements) { #expect(abs(a - b) < 1e-9) }
  }

  /// What only looks like it stays as it is.
  @Test func othersStay() throws {
    let others: [@Sendable (Value) -> Value] = [
      { x in
        let centred = x - x.mean(over: [1], keepsDimensions: true)
        let spread = (centred * centred).mean(over: [2], keepsDimensions: true)
        return centred / spread.scaled(by: 1, offset: 1).squareRoot()
      },
      { x in
        let centred = x - x.mean(over: [1], keepsDimensions: true)
        let spread = (x * centred).mean(over: [1], keepsDimensions: true)
        return centred / spread.scaled(by: 1, offset: 1).squareRoot()
      },
      { x in
        let centred = x - x.mean(over: [1], keepsDimensions: true)
        let spread = (centred * centred).mean(over: [1], keepsDimensions: true)
        return centred / spread.scaled(by: 2, offset: 1).squareRoot()
      },
    ]
    for other in others {
      let model = try network { x, _ in other(x) }.initialized(seed: 1)
      #expect(!operators(try model.simplified()).contains(Standardization.name))
    }
  }
}
