import ConvoyGraphs
import ConvoyTensors

/// Samples of operators of quantised numbers.
let quantizationSamples: [OperatorSample] = [
  OperatorSample(
    Dequantization(.axis(1)), [image, [4]], differentiated: [],
    numbers: [0: .integers(.int8, below: 100), 1: .positive]),
  OperatorSample(
    IntegerConvolution(
      Window(kernel: [3, 3], stride: 2, padding: .explicit(before: [1, 1], after: [1, 1])),
      groups: 2),
    [image, [6, 2, 3, 3], [], [6, 1, 1, 1]], differentiated: [], numbers: operands),
  OperatorSample(
    IntegerMatrixProduct(), [[2, 3, 4], [4, 5], [1], [5]], differentiated: [], numbers: operands),
  OperatorSample(
    Quantization(to: .uint8), [image, [], []], differentiated: [],
    numbers: [1: .positive, 2: .integers(.uint8, below: 100)]),
]

private let image: Shape = [2, 4, 5, 5]

private let operands: [Int: OperatorSample.Numbers] = [
  0: .integers(.uint8, below: 256), 1: .integers(.int8, below: 100),
  2: .integers(.uint8, below: 256), 3: .integers(.int8, below: 100),
]
