import ConvoyGraphs
import ConvoyTensors

/// The operators that are read, by their names: a family of them is a file in this folder.
///
/// A name is that of the standard's operator, or that of another domain's after the domain:
/// `com.microsoft.Gelu`.
enum Conversions {
  /// Builds what a node means.
  typealias Importing = @Sendable (ImportSite) throws(ConvoyError) -> [Imported]

  /// Evaluates a node if enough of what it reads is known; nil if it is not.
  typealias Evaluating = @Sendable (ImportSite) throws(ConvoyError) -> [ConstantTensor]?

  /// Every operator that is read.
  static let importing: [String: Importing] = joined([
    convolutions, poolings, normalizations, activations, arithmetic, arrangements, shapes, matrices,
    reductions, softmaxes, resizings, logic, writtenNormalizations, einsums, recurrences,
    attentions, scalarMaps, indexing, masks, paddings, controlFlow, quantizations,
    quantizedFloats, knownNumbers, runtimeForms, regions, windows,
  ])

  /// The operators that shapes are computed with.
  static let evaluating: [String: Evaluating] = joined([
    constantMaking, constantMoving, constantArithmetic,
  ])

  private static func joined<Conversion>(
    _ tables: [[String: Conversion]]
  ) -> [String: Conversion] {
    // An operator is in one table only.
    Dictionary(uniqueKeysWithValues: tables.joined().map { ($0.key, $0.value) })
  }

  /// An operator that makes one computed value.
  static func single(_ body: @escaping @Sendable (ImportSite) throws(ConvoyError) -> Value)
    -> Importing
  {
    { [.computed(try body($0))] }
  }
}
