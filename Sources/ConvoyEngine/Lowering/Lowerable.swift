import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// An operator that kernels can compute: the connection of the graph's operators and the kernels.
protocol Lowerable: Operator {
  /// The layouts in which the operator's kernels read its inputs and write its outputs.
  func layouts(at site: LayoutSite) -> NodeLayouts

  /// The order of channels that the operator prefers for its first input, if it is not the
  /// identity. It is used if the node that computes the input can choose.
  func preferredOrder(at node: NodeFacts) -> ChannelOrder?

  /// What the operator's kernels can apply to its output before they store it.
  var epilogue: EpilogueSupport { get }

  /// Inputs whose channels should have the same order as those of another input that is read with
  /// them.
  var companions: [Int: Int] { get }

  /// Adds the steps that compute the operator.
  func lower(_ site: LoweringSite, into program: inout Program)
}

extension Lowerable {
  /// Nil: most operators prefer no order.
  func preferredOrder(at node: NodeFacts) -> ChannelOrder? { nil }

  /// None: most operators have no epilogue.
  var epilogue: EpilogueSupport { .none }

  /// None: most operators accept the orders of their inputs.
  var companions: [Int: Int] { [:] }
}

/// What an operator's kernels can apply to its output before they store it.
enum EpilogueSupport: Hashable, Sendable {
  /// Nothing.
  case none
  /// A function of one number.
  case function
  /// The addition of another value of the output's shape, and a function of one number.
  case residualAndFunction
}

extension Graph.Node {
  /// The node's operator as a `Lowerable`. This is the only place where the engine asks for an
  /// operator's conformance.
  ///
  /// - Throws: `ConvoyError` where the operator has no kernels.
  func lowerable() throws(ConvoyError) -> any Lowerable {
    guard let operation = operation as? any Lowerable else {
      throw ConvoyError(
        .graph, "\(name): the operator \(type(of: operation).name) has no kernels yet.")
    }
    return operation
  }
}

extension NodeLayouts {
  /// All inputs and outputs row-major, in buffers of their own.
  static func allDense(at site: LayoutSite) -> NodeLayouts {
    NodeLayouts(
      inputs: site.inputShapes.map { _ in .dense }, outputs: site.outputShapes.map { _ in .dense })
  }
}
