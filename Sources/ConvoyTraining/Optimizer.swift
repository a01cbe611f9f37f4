import ConvoyGraphs
import ConvoyTensors

/// The rule that updates parameters by their gradients.
public enum Optimizer: Hashable, Sendable, Codable {
  /// Stochastic gradient descent with momentum, in the usual form or Nesterov's.
  case sgd(momentum: Float = 0.9, isNesterov: Bool = false)
  /// Adam with decoupled weight decay. Source: Loshchilov and Hutter, 2019.
  case adamW(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8)
  /// RMSprop: divides by a running root mean square. Source: Hinton, lecture 6e, 2012.
  case rmsProp(smoothing: Float = 0.99, epsilon: Float = 1e-8, momentum: Float = 0)

  /// Appends the update of one parameter.
  ///
  /// The optimiser's state for a parameter is a parameter with a derived name:
  /// `optimizer.velocity.conv1.weight`.
  ///
  /// - Parameters:
  ///   - decay: the weight decay, relative to the learning rate.
  ///   - step: the number of this step, from 1; a scalar.
  func update(
    _ parameter: Value, gradient: Value, rate: Value, step: Value, decay: Float
  ) {
    let builder = parameter.builder
    func memory(_ kind: String) -> Value {
      builder.parameter(
        "\(Optimizer.prefix)\(kind).\(parameter.name)", parameter.shape,
        Parameter(.constant(0), isTrainable: false))
    }
    let name = "update.\(parameter.name)"
    let (old, new): ([Value], [Value])
    switch self {
    case .sgd(let momentum, let isNesterov):
      old = [parameter, memory("velocity")]
      new = builder.apply(
        MomentumUpdate(momentum: momentum, isNesterov: isNesterov, weightDecay: decay),
        to: [parameter, gradient, old[1], rate], name: name, outputCount: 2)
    case .adamW(let beta1, let beta2, let epsilon):
      old = [parameter, memory("first"), memory("second")]
      new = builder.apply(
        AdamUpdate(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay),
        to: [parameter, gradient, old[1], old[2], rate, step], name: name, outputCount: 3)
    case .rmsProp(let smoothing, let epsilon, let momentum):
      old = [parameter, memory("square"), memory("velocity")]
      new = builder.apply(
        RMSpropUpdate(
          smoothing: smoothing, epsilon: epsilon, momentum: momentum, weightDecay: decay),
        to: [parameter, gradient, old[1], old[2], rate], name: name, outputCount: 3)
    }
    for (parameter, value) in zip(old, new) { builder.update(parameter, to: value) }
  }

  /// The prefix of the names of the optimiser's parameters.
  static let prefix = "optimizer."

  /// The parameter that a parameter of the optimiser's belongs to; other names are returned
  /// unchanged.
  static func parameter(remembering name: String) -> String {
    guard name.hasPrefix(prefix),
      let dot = name.dropFirst(prefix.count).firstIndex(of: ".")
    else { return name }
    return String(name[name.index(after: dot)...])
  }
}
