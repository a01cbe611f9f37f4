import ConvoyGraphs
import ConvoyTensors

/// Samples of operators that interpolate between pixels.
let regionSamples: [OperatorSample] = [
  OperatorSample(
    Resampling(dimension: 2, to: 8, scale: 1.7, .cubic(-0.75)), [image], differentiated: []),
  OperatorSample(
    Resampling(
      dimension: 1, to: 3, scale: 0.75, .nearest(.up),
      crop: .init(start: 0.1, end: 1.1, outside: -2)), [image], differentiated: []),
]

private let image: Shape = [2, 4, 5, 5]
