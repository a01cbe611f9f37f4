public import ConvoyEngine
import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// A layer that is explained and timed.
public struct MeasuredLayer: Hashable, Sendable, Encodable {
  /// What it costs, and which kernel computes it.
  public let explanation: LayerExplanation
  /// How fast it is.
  public let measurement: LayerMeasurement
  /// GFLOP/s that the threads could do at most.
  public let peak: Double
  /// GB/s that the threads copy.
  public let bandwidth: Double

  /// Explains a layer, and times it.
  ///
  /// - Parameters:
  ///   - isa: a machine's name; that of this program if nil.
  ///   - usesWinograd: see `CompileOptions.usesWinograd`.
  ///   - pool: the threads that run it.
  /// - Throws: `ConvoyError` when the processor is no such machine, or has too little memory.
  public init(
    _ layer: LayerDescription, isa: String? = nil, usesWinograd: Bool = true, on pool: ThreadPool
  ) throws {
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

  /// Encodes the figures beside those of the explanation.
  public func encode(to encoder: any Encoder) throws {
    try explanation.encode(to: encoder)
    var figures = encoder.container(keyedBy: CodingKeys.self)
    try figures.encode(measurement, forKey: .measurement)
    try figures.encode(peak, forKey: .peak)
    try figures.encode(bandwidth, forKey: .bandwidth)
  }
}
