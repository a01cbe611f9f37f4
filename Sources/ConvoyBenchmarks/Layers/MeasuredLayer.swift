public import ConvoyEngine
import ConvoyGraphs
import ConvoyKernels
public import ConvoyTensors

/// A layer with its explanation and its measured speed.
public struct MeasuredLayer: Hashable, Sendable, Encodable {
  /// The layer's cost, and the kernel that is chosen for it.
  public let explanation: LayerExplanation
  /// The measured speed.
  public let measurement: LayerMeasurement
  /// The peak of the threads, in GFLOP/s.
  public let peak: Double
  /// The threads' bandwidth of copying, in GB/s.
  public let bandwidth: Double

  /// Explains and times a layer.
  ///
  /// - Parameters:
  ///   - isa: the name of a machine; nil for this process's.
  ///   - usesWinograd: see `CompileOptions.usesWinograd`.
  ///   - pool: the threads of the runs.
  /// - Throws: `ConvoyError` when the processor does not support the machine, or has too little
  ///   memory.
  public init(
    _ layer: LayerDescription, isa: String? = nil, usesWinograd: Bool = true, on pool: ThreadPool
  ) throws(ConvoyError) {
    explanation = try LayerExplanation(layer, isa: isa, usesWinograd: usesWinograd)
    var options = CompileOptions(pool: pool)
    options.machine = try Machine.named(isa)
    options.usesWinograd = usesWinograd
    let benchmark = LayerBenchmark(batch: layer.batch, options: options)
    measurement = try benchmark.measure(layer.network(), name: layer.text)
    peak = benchmark.peak
    bandwidth = benchmark.measuredBandwidth()
  }

  private enum CodingKeys: CodingKey { case measurement, peak, bandwidth }

  /// Encodes the measurement's fields beside those of the explanation.
  public func encode(to encoder: any Encoder) throws {
    try explanation.encode(to: encoder)
    var figures = encoder.container(keyedBy: CodingKeys.self)
    try figures.encode(measurement, forKey: .measurement)
    try figures.encode(peak, forKey: .peak)
    try figures.encode(bandwidth, forKey: .bandwidth)
  }
}
