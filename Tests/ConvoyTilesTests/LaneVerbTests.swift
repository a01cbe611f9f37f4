import ConvoyTiles
import Testing

/// Verbs that move lanes.
@Suite struct LaneVerbTests {
  static let units = WriterProbe.units
  private static let numbers = (0..<16).map { Float($0) * 1.25 - 3 }

  @Test(arguments: units, [2, 4]) func spread(_ unit: VectorUnit, _ count: Int) throws {
    for chosen in 0..<count {
      let probe = WriterProbe(unit)
      let got = try probe.run([Self.numbers]) {
        probe.w.spread(probe.vectors[4], probe.operand(0), lane: chosen, ofEvery: count)
        probe.w.store(probe.result(0), probe.vectors[4])
      }
      for lane in 0..<unit.lanes {
        #expect(got.results[0][lane] == Self.numbers[lane / count * count + chosen])
      }
    }
  }

  @Test(arguments: units) func permute(_ unit: VectorUnit) throws {
    let from = (0..<unit.lanes).map { (5 * $0 + 3) % unit.lanes }
    let bits = from.map { Float(bitPattern: UInt32($0)) }
    let mask = 0b1010_0110_0011_1001
    let isMasked = unit.hasMasks
    let probe = WriterProbe(unit)
    var pool = RegisterPool(unit)
    let masks = pool.masks("mask", isMasked ? 1 : 0)
    let got = try probe.run([bits, Self.numbers], [mask], results: 2) {
      let (w, d) = (probe.w, probe.vectors[6])
      w.permute(d, probe.vectors[0], probe.operand(1), where: nil)
      w.store(probe.result(0), d)
      w.clear(d)
      for mask in masks {
        w.loadMask(mask, probe.integer(0))
        w.permute(d, probe.vectors[0], probe.operand(1), where: mask)
      }
      w.store(probe.result(1), d)
    }
    for lane in 0..<unit.lanes {
      #expect(got.results[0][lane] == Self.numbers[from[lane]])
      let isSet = isMasked && mask >> lane & 1 == 1
      #expect(got.results[1][lane] == (isSet ? Self.numbers[from[lane]] : 0))
    }
  }

  @Test(arguments: units.filter(\.hasMasks), [1, 2, 4, 8])
  func lanesAreRepeated(_ unit: VectorUnit, _ count: Int) throws {
    let probe = WriterProbe(unit)
    let got = try probe.run([Self.numbers]) {
      probe.w.repeatLanes(probe.vectors[3], probe.operand(0), count: count)
      probe.w.store(probe.result(0), probe.vectors[3])
    }
    for lane in 0..<unit.lanes { #expect(got.results[0][lane] == Self.numbers[lane % count]) }
  }

  @Test(arguments: units.filter(\.hasMasks), [2, 4, 8, 16])
  func neighboursAreAddedUp(_ unit: VectorUnit, _ count: Int) throws {
    let probe = WriterProbe(unit)
    let others = Self.numbers.map { -2 * $0 }
    let got = try probe.run([Self.numbers, others], results: 2) {
      probe.w.addNeighbours(
        Array(probe.vectors.prefix(2)), count: count, numbers: probe.vectors[2],
        temporaries: [probe.vectors[3]], table: probe.integers[0], scratch: probe.integers[1])
      for index in 0..<2 { probe.w.store(probe.result(index), probe.vectors[index]) }
    }
    for (result, numbers) in zip(got.results, [Self.numbers, others]) {
      for lane in 0..<unit.lanes {
        let group = lane * count..<(lane + 1) * count
        #expect(result[lane] == (lane < 16 / count ? numbers[group].reduce(0, +) : 0))
      }
    }
  }
}
