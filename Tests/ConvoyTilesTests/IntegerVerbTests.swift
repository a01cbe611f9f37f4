import ConvoyTiles
import Testing

/// Integers, loops and constants.
@Suite struct IntegerVerbTests {
  static let units = WriterProbe.units

  @Test(arguments: units) func integersAndPlaces(_ unit: VectorUnit) throws {
    let probe = WriterProbe(unit)
    let (w, registers) = (probe.w, probe.integers)
    let got = try probe.run([], [5, 100, 3, 0, 0, 0]) {
      w.load(registers[0], probe.integer(0))
      w.load(registers[9], probe.integer(1))
      w.point(registers[1], to: registers[0] + registers[9] * 4 + 7)
      w.store(probe.integer(3), registers[1])
      w.copy(registers[10], registers[9])
      w.advance(registers[10], by: -1)
      w.advance(registers[10], by: registers[0])
      w.advance(registers[10], by: probe.integer(2))
      w.store(probe.integer(4), registers[10])
      w.advance(probe.integer(2), by: registers[0])
      w.clear(registers[0])
      w.store(probe.integer(0), registers[0])
    }
    #expect(got.integers == [0, 100, 8, 412, 107, 0])
  }

  @Test(arguments: units, [0, 1, 2, 7]) func loopsCount(_ unit: VectorUnit, _ count: Int) throws {
    for isAligned in [false, true] {
      let probe = WriterProbe(unit)
      let (w, counter, total) = (probe.w, probe.integers[3], probe.integers[8])
      let got = try probe.run([], [count, 0]) {
        w.clear(total)
        w.load(counter, probe.integer(0))
        w.loop(counter, .perhapsNever, isAligned: isAligned) { w.advance(total, by: 10) }
        w.store(probe.integer(1), total)
      }
      #expect(got.integers == [count, 10 * count])
    }
  }

  @Test(arguments: units, [1, 3]) func loopsCountInMemory(_ unit: VectorUnit, _ count: Int) throws {
    let probe = WriterProbe(unit)
    let (w, total, scratch) = (probe.w, probe.integers[1], probe.integers[2])
    let got = try probe.run([], [count, 0]) {
      w.clear(total)
      w.loop(probe.integer(0), scratch: scratch) { w.advance(total, by: 10) }
      w.store(probe.integer(1), total)
    }
    #expect(got.integers == [0, 10 * count])
  }

  @Test(arguments: units) func loopsStepToALimit(_ unit: VectorUnit) throws {
    let probe = WriterProbe(unit)
    let (w, register, total) = (probe.w, probe.integers[0], probe.integers[1])
    let got = try probe.run([], [6, 12, 0]) {
      w.clear(total)
      w.load(register, probe.integer(0))
      w.loop(register, step: 2, before: probe.integer(1)) { w.advance(total, by: register) }
      w.store(probe.integer(2), total)
    }
    #expect(got.integers[2] == 6 + 8 + 10)
  }

  @Test(arguments: units, 0..<10) func loopsOverGroups(_ unit: VectorUnit, _ count: Int) throws {
    let probe = WriterProbe(unit)
    let (w, counter, groups, rest) = (
      probe.w, probe.integers[0], probe.integers[1], probe.integers[2]
    )
    let got = try probe.run([], [count, 0, 0]) {
      w.load(counter, probe.integer(0))
      w.clear(groups)
      w.clear(rest)
      w.loop(counter, inGroupsOf: 4) {
        w.advance(groups, by: 1)
      } rest: {
        w.advance(rest, by: 1)
      }
      w.store(probe.integer(1), groups)
      w.store(probe.integer(2), rest)
    }
    #expect(got.integers == [count, count / 4, count % 4])
  }

  /// Registers in the order of their names, and what is not used changes nothing behind it.
  @Test(arguments: units) func poolCountsInOrder(_ unit: VectorUnit) {
    var pool = RegisterPool(unit)
    #expect(pool.vectors("first", 3).map(\.number) == [0, 1, 2])
    #expect(pool.vector("next").number == 3)
    #expect(pool.borrow().number == unit.registerCount - 1)
    let last = pool.borrow()
    pool.giveBack([last])
    #expect(pool.borrow() == last)
    #expect(pool.remainingVectors("rest").count == unit.registerCount - 6)
    #expect(pool.integer("one").number == 0)
    #expect(pool.integers("some of four", 2, of: 4).map(\.number) == [1, 2])
    #expect(pool.integer("behind them").number == 5)
    #expect(pool.integers.map(\.number) == [0, 1, 2, 5])
  }
}
