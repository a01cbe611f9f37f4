import ConvoyGraphs
import ConvoyTensors

/// Settings of batch normalisation that differ between networks.
struct NormSettings: Sendable {
  /// The number added to the variance.
  var epsilon: Float = 1e-5
  /// The weight of a step's statistics in the running statistics.
  var momentum: Float = 0.1
}

extension Value {
  /// A convolution without a bias that keeps the map's extents at stride 1, followed by batch norm
  /// and, if given, an activation.
  ///
  /// - Parameters:
  ///   - activation: the activation; nil for none.
  ///   - convolution: the convolution's name.
  ///   - norm: the normalisation's name.
  func normalizedConvolution(
    _ outputChannels: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
    settings: NormSettings = NormSettings(), activation: ScalarFunction?,
    convolution: String = "0", norm: String = "1"
  ) -> Value {
    let normalized =
      self
      .convolution(
        outputChannels, kernel: kernel, stride: stride, padding: .uniform((kernel - 1) / 2),
        groups: groups, bias: false, name: convolution
      )
      .batchNormalization(epsilon: settings.epsilon, momentum: settings.momentum, name: norm)
    return activation.map { normalized.applying($0) } ?? normalized
  }

  /// Squeeze and excitation: each channel is multiplied by a factor that two 1×1 convolutions,
  /// `fc1` and `fc2`, compute from the means of all channels.
  ///
  /// Source: Hu, Shen and Sun, "Squeeze-and-Excitation Networks", 2018.
  /// - Parameters:
  ///   - squeezed: the channels between the two convolutions.
  ///   - activation: the activation after the first.
  ///   - gate: the activation after the second.
  func excited(
    through squeezed: Int, activation: ScalarFunction, gate: ScalarFunction = .sigmoid,
    name: String
  ) -> Value {
    scope(name) { maps in
      let factors =
        maps.globalAveragePooling(name: "avgpool")
        .convolution(squeezed, kernel: 1, name: "fc1").applying(activation)
        .convolution(maps.shape.channels, kernel: 1, name: "fc2").applying(gate)
      return maps * factors
    }
  }

  /// The means of all channels, as the input of a linear layer.
  func pooledFeatures() -> Value { globalAveragePooling(name: "avgpool").flattened() }
}

extension Shape {
  /// The channels of an image batch×channels×…; 1 if an earlier mistake left another shape.
  var channels: Int { rank > 1 ? self[1] : 1 }
}

extension ScalarFunction {
  /// min(max(x, 0), 6)
  static let relu6 = ScalarFunction.clip(low: 0, high: 6)
  /// x ∕ 6 + ½, limited to 0…1.
  static let hardSigmoid = ScalarFunction.hardSigmoid(slope: 1 / 6, offset: 0.5)
}

/// A number of channels times a width, rounded to a multiple of 8 as the authors of MobileNet do:
/// the nearest that is at least 8 and at least nine tenths of the product.
func roundedChannels(_ count: Int, by width: Double = 1) -> Int {
  let exact = Double(count) * width
  let rounded = max(Int(exact + 4) / 8 * 8, 8)
  return Double(rounded) < 0.9 * exact ? rounded + 8 : rounded
}
