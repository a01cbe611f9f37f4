package import ConvoyTensors

#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

extension Encodable {
  /// The value as JSON with sorted keys: the same value always gives the same text.
  ///
  /// - Throws: `ConvoyError` of kind `.format` for a number that is NaN or infinite.
  package func json(_ formatting: JSONEncoder.OutputFormatting = []) throws(ConvoyError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
    do {
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    } catch {
      throw ConvoyError(.format, "A \(Self.self) cannot be written as JSON: \(error).")
    }
  }
}
