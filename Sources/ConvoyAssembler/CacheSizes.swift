/// Sizes of a core's caches in bytes; 0 where unknown.
public struct CacheSizes: Hashable, Sendable {
  /// The first level, for data.
  public var level1Data = 0
  /// The second level.
  public var level2 = 0
  /// The third level, which cores share.
  public var level3 = 0

  /// Caches of unknown size.
  public init() {}
}
