import ConvoyTensors
import Testing

/// Where a layout says that elements are.
@Suite struct PlaneLayoutTests {
  /// Layouts of one to three dimensions, with halos and without, in several orders and row-major.
  static let layouts: [PlaneLayout] = {
    var random = Random(seed: 1)
    var layouts: [PlaneLayout] = []
    for dimensions in 1...3 {
      for halo in [Halo.none, Halo(before: Extents(0, 1, 2), after: Extents(1, 0, 1))] {
        let spatial = (0..<dimensions).map { _ in 1 + random.below(4) }
        let shape = Shape([1 + random.below(3), 12] + spatial)
        layouts += [
          PlaneLayout(shape, halo: halo),
          PlaneLayout(shape, halo: halo, order: ChannelOrder(paddingGroups: 3, channels: 12)),
          PlaneLayout(
            shape, halo: halo, order: ChannelOrder(interleaving: 3, channels: 12, block: 2)),
          PlaneLayout(rowMajor: shape, channelsLast: false, halo: halo),
          PlaneLayout(rowMajor: shape, channelsLast: true, halo: halo),
        ]
      }
    }
    return layouts
  }()

  /// Positions of an image, with those of its halo.
  static func positions(_ layout: PlaneLayout) -> [Extents] {
    let (before, after) = (layout.halo.before, layout.extents + layout.halo.after)
    return (-before[0]..<after[0]).flatMap { z in
      (-before[1]..<after[1]).flatMap { y in
        (-before[2]..<after[2]).map { x in Extents(z, y, x) }
      }
    }
  }

  /// No two elements of any image, channel or halo share a place, and all lie inside.
  @Test func placesAreApart() {
    for layout in Self.layouts {
      var taken: Set<Int> = []
      let positions = Self.positions(layout)
      for image in 0..<layout.batch {
        for place in layout.map {
          for position in positions {
            let offset =
              layout.planes[place.plane] + image * layout.imageStride + layout.offset(position)
              + place.lane
            #expect((0..<layout.elementCount).contains(offset))
            #expect(taken.insert(offset).inserted)
          }
        }
      }
      #expect(taken.count == layout.batch * layout.channels * positions.count)
    }
  }

  @Test func distancesAreDifferencesOfOffsets() {
    for layout in Self.layouts {
      let positions = Self.positions(layout)
      for other in positions {
        let delta = other - positions[0]
        #expect(layout.offset(other) == layout.offset(positions[0]) + layout.distance(delta))
      }
    }
  }

  /// Without a halo a row-major layout has each element where a tensor has it.
  @Test func rowMajorLayoutsAreThoseOfTensors() {
    let shape: Shape = [2, 3, 4, 5]
    let first = PlaneLayout(rowMajor: shape, channelsLast: false)
    let last = PlaneLayout(rowMajor: shape, channelsLast: true)
    func offset(_ layout: PlaneLayout, _ n: Int, _ c: Int, _ y: Int, _ x: Int) -> Int {
      layout.planes[layout.map[c].plane] + layout.map[c].lane + n * layout.imageStride
        + layout.offset(Extents(0, y, x))
    }
    for index in 0..<shape.elementCount {
      let (n, c, y, x) = (index / 60, index / 20 % 3, index / 5 % 4, index % 5)
      #expect(offset(first, n, c, y, x) == index)
      #expect(offset(last, n, c, y, x) == ((n * 4 + y) * 5 + x) * 3 + c)
    }
    #expect(!first.hasLanes && !last.hasLanes && PlaneLayout(shape).hasLanes)
  }

  @Test func arrangingKeepsTheImages() {
    let layout = PlaneLayout(
      [2, 24, 3, 3], halo: Halo(before: Extents(0, 1, 1), after: Extents(0, 1, 1)))
    let order = ChannelOrder(interleaving: 6, channels: 24, block: 4)
    let arranged = layout.arranged(order)
    #expect(arranged.order == order)
    #expect(arranged.planeSize == layout.planeSize && arranged.halo == layout.halo)
    #expect(arranged.arranged(layout.order) == layout)
    #expect(arranged.channelsByLane == order.channelsByLane)
  }

  @Test func movingMovesEveryPlane() {
    for layout in Self.layouts {
      let moved = layout.moved(by: 64)
      #expect(moved.planes == layout.planes.map { $0 + 64 })
      #expect(moved.moved(by: -64) == layout)
    }
  }

  @Test func halosAreJoinedToHoldBoth() {
    let one = Halo(before: Extents(0, 1, 2), after: Extents(3, 0, 0))
    let other = Halo(before: Extents(1, 0, 3), after: Extents(0, 0, 4))
    #expect(one.union(other) == Halo(before: Extents(1, 1, 3), after: Extents(3, 0, 4)))
    #expect(one.union(.none) == one)
  }
}
