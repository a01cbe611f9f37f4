import ConvoyGraphs
import ConvoyTensors

/// Samples of operators that interpolate between pixels.
let regionSamples: [OperatorSample] = [
  OperatorSample(
    BoxSuppression(maximum: 1, overlap: 0.5, leastScore: nil), [[2, 4, 4], [2, 3, 4]],
    differentiated: []),
  OperatorSample(
    DeformableConvolution(
      Window(kernel: [3, 2], stride: 2, padding: .explicit(before: [1, 0], after: [1, 1])),
      groups: 2, offsetGroups: 2),
    [image, [6, 2, 3, 2], [2, 24, 3, 3], [2, 12, 3, 3]], differentiated: []),
  OperatorSample(
    GridSampling(.linear, border: .reflection, alignsCorners: true), [image, [2, 3, 4, 2]],
    differentiated: []),
  OperatorSample(GridSampling(.cubic), [image, [2, 3, 4, 2]], differentiated: []),
  OperatorSample(
    PoolingPositions(window: Window(kernel: [2, 3], stride: 2, padding: 1), isColumnMajor: true),
    [image], differentiated: []),
  OperatorSample(
    RegionAlignment(.mean, height: 2, width: 3, scale: 2), [image, [3, 4], [3]],
    differentiated: [], numbers: [2: .integers(.int64, below: 2)]),
  OperatorSample(
    RegionAlignment(.maximum, height: 2, width: 3, samples: 2, usesHalfPixels: false),
    [image, [3, 4], [3]], differentiated: [], numbers: [2: .integers(.int64, below: 2)]),
  OperatorSample(
    RegionPooling(height: 2, width: 2, scale: 2), [image, [3, 5]], differentiated: []),
  OperatorSample(
    Resampling(dimension: 2, to: 8, scale: 1.7, .cubic(-0.75)), [image], differentiated: []),
  OperatorSample(
    Resampling(
      dimension: 1, to: 3, scale: 0.75, .nearest(.up),
      crop: .init(start: 0.1, end: 1.1, outside: -2)), [image], differentiated: []),
]

private let image: Shape = [2, 4, 5, 5]
