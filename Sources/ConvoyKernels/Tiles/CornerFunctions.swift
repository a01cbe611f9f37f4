import ConvoyTiles

/// The micro-kernels of whole tiles, and of tiles with fewer rows at the bottom of a grid, fewer
/// columns at its right, or both.
struct CornerFunctions: Equatable, Sendable {
  private let whole: TileFunction?
  private let right: TileFunction?
  private let bottom: TileFunction?
  private let corner: TileFunction?

  /// - Parameter description: the tile at an edge or not; nil if there is none.
  /// - Returns: nil where the system refuses memory for code.
  init?<Tile: TileDescription>(_ description: (_ isBottom: Bool, _ isRight: Bool) -> Tile?) {
    var isRefused = false
    func function(isBottom: Bool, isRight: Bool) -> TileFunction? {
      guard let tile = description(isBottom, isRight) else { return nil }
      let function = TileKernels.function(tile)
      if function == nil { isRefused = true }
      return function
    }
    whole = function(isBottom: false, isRight: false)
    right = function(isBottom: false, isRight: true)
    bottom = function(isBottom: true, isRight: false)
    corner = function(isBottom: true, isRight: true)
    if isRefused { return nil }
  }

  /// The micro-kernel at an edge or not; nil if there is no tile.
  @inline(__always)
  subscript(isBottom isBottom: Bool, isRight isRight: Bool) -> TileFunction? {
    isBottom ? (isRight ? corner : bottom) : (isRight ? right : whole)
  }
}
