public import ConvoyTensors

/// An axis along which work is divided among ranks. Ranks form a grid: each belongs to one line along either
/// axis, and exchanges numbers within it.
public enum RankAxis: String, Hashable, Sendable, Codable, CaseIterable {
  /// Each rank has some of a batch's images.
  case data
  /// Each rank has some of the channels: whole filter groups, or outputs of a layer.
  case groups
}

/// An operator that exchanges numbers between ranks.
///
/// A graph with such operators is one rank's part of a computation: every rank runs a graph with
/// the same operators in the same order. The references, which have no access to other ranks,
/// compute the result for the case that all ranks have the same numbers.
public protocol CollectiveOperator: Operator {
  /// The axis of the ranks.
  var axis: RankAxis { get }
  /// The number of ranks.
  var ranks: Int { get }
  /// The part of an exchange that the operator is.
  var phase: ExchangePhase { get }

  /// The exchange of a rank with the others in a run.
  ///
  /// - Parameters:
  ///   - inputs: the shapes of its inputs on one rank.
  ///   - outputs: the shapes of its outputs there.
  func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange
}

/// An exchange between ranks, with numbers of elements.
public enum RankExchange: Hashable, Sendable {
  /// Nothing is sent.
  case nothing
  /// Every rank gets the sum of all ranks' elements.
  case sum(count: Int)
  /// Every rank gets this many elements of each rank.
  case gathering(count: Int)
  /// Every rank gets a share, this many elements, of the sum.
  case sumShares(count: Int)
  /// Every rank gets the elements of the root.
  case broadcast(count: Int, root: Int)
}

/// The part of an exchange that an operator is.
public enum ExchangePhase: Hashable, Sendable {
  /// All of it: the operators that follow wait for it.
  case whole
  /// Its beginning: the exchange proceeds while other operators are run.
  case beginning
  /// Its end: waits for an exchange that another operator began.
  case end
}
