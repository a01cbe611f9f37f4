package import ConvoyTensors

/// Where a layout's planes are.
package struct PlanePlaces: Hashable, Sendable {
  /// What they are counted from.
  package var base: Region
  /// Where each begins, in floats.
  package var planes: [Int]

  /// Names planes.
  package init(base: Region, planes: [Int]) {
    self.base = base
    self.planes = planes
  }

  /// The planes of a layout that counts from a place.
  package init(_ layout: PlaneLayout, at base: Region) {
    self.init(base: base, planes: layout.planes)
  }

  /// Where a plane begins in a run.
  @inline(__always)
  func start(of plane: Int, in memory: Memory) -> UnsafeMutablePointer<Float> {
    memory[base] + planes[plane]
  }
}
