/// An error that is reported to the user in one sentence.
///
/// Every function of Convoy that can fail because of its input throws this type. The message names
/// what was expected and what was got; `kind` is for programs.
public struct ConvoyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  public enum Kind: String, Hashable, Sendable {
    /// A tensor's shape does not fit where it was used.
    case shape
    /// A tensor's elements are of a type that is not accepted.
    case type
    /// An operator's attribute (stride, groups, padding …) is out of range.
    case attribute
    /// A graph is malformed: a missing value, a cycle, a duplicate name.
    case graph
    /// A file or folder cannot be read or written.
    case file
    /// The bytes of a file are not in its format.
    case format
    /// What a file asks for is valid, but Convoy does not support it.
    case unsupported
    /// An option, a model's name or another argument is unknown.
    case argument
    /// The machine lacks something: memory, a library, a processor feature.
    case resource
  }

  /// The kind of error.
  public let kind: Kind

  /// One sentence: what was expected, and what was got.
  public let message: String

  /// An error of a kind with a sentence.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The sentence.
  public var description: String { message }
}
