public import ConvoyTensors

/// Where a layout's planes are.
public struct PlanePlaces: Hashable, Sendable {
  /// What they are counted from.
  public var base: Region
  /// Where each begins, in floats.
  public var planes: [Int]

  /// Names planes.
  public init(base: Region, planes: [Int]) {
    self.base = base
    self.planes = planes
  }

  /// The planes of a layout that counts from a place.
  public init(_ layout: PlaneLayout, at base: Region) {
    self.init(base: base, planes: layout.planes)
  }

  /// Where a plane begins in a run.
  @inline(__always)
  func start(of plane: Int, in memory: Memory) -> UnsafeMutablePointer<Float> {
    memory[base] + planes[plane]
  }
}
