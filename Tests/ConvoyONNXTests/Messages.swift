@testable import ConvoyONNX

extension WireMessage {
  /// A message that is filled in where it is needed.
  static func with(_ fill: (inout Self) -> Void) -> Self {
    var message = Self()
    fill(&message)
    return message
  }
}
