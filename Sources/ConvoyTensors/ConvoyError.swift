/// A mistake that can be told to the person who made it, in one sentence.
///
/// Every function of Convoy that can fail because of what it was given throws this type. The
/// message names what was expected and what was got; `kind` tells programs what sort of thing was
/// wrong.
public struct ConvoyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What sort of thing was wrong.
  public enum Kind: String, Hashable, Sendable {
    /// A tensor's shape does not fit where it was used.
    case shape
    /// A tensor's elements are of another type than is taken.
    case type
    /// An operator's attribute (stride, groups, padding …) is out of range.
    case attribute
    /// A graph is malformed: a missing value, a cycle, a name used twice.
    case graph
    /// A file or folder cannot be read or written.
    case file
    /// The bytes of a file are not what its format asks for.
    case format
    /// An option, a model's name or another argument is not one of those known.
    case argument
    /// The machine lacks something: memory, a library, a processor feature.
    case resource
  }

  /// What sort of thing was wrong.
  public let kind: Kind

  /// One sentence: what was expected, and what was got.
  public let message: String

  /// Makes an error of a kind from its sentence.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The sentence.
  public var description: String { message }
}
