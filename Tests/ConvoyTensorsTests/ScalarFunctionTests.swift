import Foundation
import Testing

@testable import ConvoyTensors

/// What a function is called and how it is saved; its values are tested with the kernels.
@Suite struct ScalarFunctionTests {
  /// Every kind as graphs have it that were saved before.
  static let saved: [(ScalarFunction, String)] = [
    (.relu, #"{"relu":{}}"#),
    (.clip(low: 0, high: 6), #"{"clip":{"high":6,"low":0}}"#),
    (.leakyReLU(slope: 0.25), #"{"leakyReLU":{"slope":0.25}}"#),
    (.sigmoid, #"{"sigmoid":{}}"#),
    (.tanh, #"{"tanh":{}}"#),
    (.hardSigmoid(slope: 0.25, offset: 0.5), #"{"hardSigmoid":{"offset":0.5,"slope":0.25}}"#),
    (.hardSwish, #"{"hardSwish":{}}"#),
    (.silu, #"{"silu":{}}"#),
    (.gelu, #"{"gelu":{}}"#),
    (.exponential, #"{"exponential":{}}"#),
    (.logarithm, #"{"logarithm":{}}"#),
    (.squareRoot, #"{"squareRoot":{}}"#),
    (.square, #"{"square":{}}"#),
    (.absoluteValue, #"{"magnitude":{}}"#),
    (.reciprocal, #"{"reciprocal":{}}"#),
    (.affine(scale: 2, offset: -1.5), #"{"affine":{"offset":-1.5,"scale":2}}"#),
    (.step, #"{"step":{}}"#),
    (.errorFunction, #"{"errorFunction":{}}"#),
    (.softplus, #"{"softplus":{}}"#),
    (.softsign, #"{"softsign":{}}"#),
    (.elu(alpha: 0.75), #"{"elu":{"alpha":0.75}}"#),
    (.mish, #"{"mish":{}}"#),
    (.approximateGELU, #"{"approximateGELU":{}}"#),
    (.power(exponent: -0.5), #"{"power":{"exponent":-0.5}}"#),
  ]

  @Test func savedFormsStay() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    for (function, text) in Self.saved {
      #expect(String(decoding: try encoder.encode(function), as: UTF8.self) == text)
      #expect(try JSONDecoder().decode(ScalarFunction.self, from: Data(text.utf8)) == function)
    }
  }

  /// No kind is without a saved form, and no two have one name.
  @Test func everyKindIsSaved() {
    let names = Activations.all.map { $0.name }
    #expect(Set(names).count == names.count)
    #expect(Set(names) == Set(Self.saved.map(\.0.name)))
  }

  @Test(arguments: [
    #"{"relo":{}}"#, #"{}"#, #"{"relu":{},"tanh":{}}"#, #"{"clip":{"low":0}}"#, #""relu""#,
  ]) func damagedFormsAreRefused(_ text: String) {
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(ScalarFunction.self, from: Data(text.utf8))
    }
  }

  @Test func kindsAndParametersTellFunctionsApart() {
    #expect(ScalarFunction.clip(low: 0, high: 6) == .clip(low: 0, high: 6))
    #expect(ScalarFunction.clip(low: 0, high: 6) != .clip(low: 0, high: 5))
    #expect(ScalarFunction.elu(alpha: 1) != .leakyReLU(slope: 1))
    #expect(Set(Self.saved.map(\.0)).count == Self.saved.count)
    #expect("\(ScalarFunction.clip(low: 0, high: 6))" == "clip(low: 0.0, high: 6.0)")
    #expect("\(ScalarFunction.relu)" == "relu")
    #expect(ScalarFunction.clip(low: 0, high: 6).label == "ReLU6")
  }

  @Test func boundsOfAClipMustBeInOrder() throws {
    try ScalarFunction.clip(low: 1, high: 1).validate()
    #expect(throws: ConvoyError.self) { try ScalarFunction.clip(low: 1, high: 0).validate() }
    #expect(throws: ConvoyError.self) { try ScalarFunction.clip(low: .nan, high: 0).validate() }
  }
}
