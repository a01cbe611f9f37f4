import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors

/// The bridge between what an operator means and the kernels that compute it.
protocol Lowerable: Operator {
  /// The layouts in which the operator's kernels read its inputs and write its outputs.
  func layouts(at site: LayoutSite) -> NodeLayouts

  /// The order in which the operator would like the channels of its first input to stand, if it is not
  /// the identity and whoever makes that input can choose.
  func preferredOrder(at node: NodeFacts) -> ChannelOrder?

  /// What the operator's kernels can do to its output before they write it.
  var epilogue: EpilogueSupport { get }

  /// For inputs that are read beside another, that other: their channels had better stand alike.
  var companions: [Int: Int] { get }

  /// Adds the steps that compute the operator.
  func lower(_ site: LoweringSite, into program: inout Program)
}

extension Lowerable {
  /// Most operators do not mind, or want the identity.
  func preferredOrder(at node: NodeFacts) -> ChannelOrder? { nil }

  /// Most operators have no epilogue; others say so for the sake of speed.
  var epilogue: EpilogueSupport { .none }

  /// Most operators take what they are given.
  var companions: [Int: Int] { [:] }
}

/// What an operator's kernels can do to its output before they write it.
enum EpilogueSupport: Hashable, Sendable {
  /// Nothing.
  case none
  /// Apply a function of one number.
  case function
  /// Add another value of the output's shape, and apply a function of one number.
  case residualAndFunction
}

extension Graph.Node {
  /// The node's operator as the engine sees it: the one place where a graph's operator becomes one that
  /// can be lowered.
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
  /// Everything row-major, in places of its own.
  static func allDense(at site: LayoutSite) -> NodeLayouts {
    NodeLayouts(
      inputs: site.inputShapes.map { _ in .dense }, outputs: site.outputShapes.map { _ in .dense })
  }
}
