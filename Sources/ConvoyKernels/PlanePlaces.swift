package import ConvoyTensors

/// The offsets of a layout's planes from a base.
package struct PlanePlaces: Hashable, Sendable {
  /// The base.
  package var base: Region
  /// The offset of each plane, in floats.
  package var planes: [Int]

  /// Planes at given offsets.
  package init(base: Region, planes: [Int]) {
    self.base = base
    self.planes = planes
  }

  /// The planes of a layout, whose offsets count from a base.
  package init(_ layout: PlaneLayout, at base: Region) {
    self.init(base: base, planes: layout.planes)
  }

  /// The address of a plane in a run.
  @inline(__always)
  func start(of plane: Int, in memory: Memory) -> UnsafeMutablePointer<Float> {
    memory[base] + planes[plane]
  }
}
