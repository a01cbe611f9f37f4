import ConvoyTensors
import Foundation
import Testing

@Suite struct RandomTests {
  /// What the reference implementation of xoshiro256** gives from the state 1, 2, 3, 4.
  @Test func publishedNumbers() throws {
    let saved = Data(#"{"state":[1,2,3,4]}"#.utf8)
    var random = try JSONDecoder().decode(Random.self, from: saved)
    let expected: [UInt64] = [
      11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
      607_988_272_756_665_600, 16_172_922_978_634_559_625, 8_476_171_486_693_032_832,
    ]
    #expect(expected.map { _ in random.next() } == expected)
  }

  /// What SplitMix64 gives from the seed 1234567.
  @Test func publishedHashes() {
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
    ]
    #expect((1...5).map { Random.hash(1_234_567 &+ $0 &* Random.goldenGamma) } == expected)
  }

  @Test func aSavedStateGoesOn() throws {
    var random = Random(seed: 3)
    for _ in 0..<10 { _ = random.next() }
    var restored = try JSONDecoder().decode(
      Random.self, from: JSONEncoder().encode(random))
    #expect(restored == random)
    #expect((0..<10).map { _ in restored.next() } == (0..<10).map { _ in random.next() })
  }

  @Test func sameSeedSameNumbers() {
    var (a, b) = (Random(seed: 7), Random(seed: 7))
    #expect((0..<100).map { _ in a.next() } == (0..<100).map { _ in b.next() })
  }

  @Test func seedsAndStreamsAreApart() {
    var first: Set<UInt64> = []
    for seed: UInt64 in 0..<10 {
      var random = Random(seed: seed)
      first.insert(random.next())
      for stream: UInt64 in 0..<10 {
        var random = Random(seed: seed, stream: stream)
        first.insert(random.next())
      }
    }
    #expect(first.count == 110)
  }

  /// Mean and variance of 2¹⁶ draws, within five of the estimates' standard deviations.
  @Test func uniformNumbers() {
    var random = Random(seed: 5)
    let numbers = (0..<1 << 16).map { _ in random.uniform() }
    #expect(numbers.allSatisfy { 0 <= $0 && $0 < 1 && ($0 * 0x1p24).rounded() == $0 * 0x1p24 })
    expectMoments(numbers, mean: 0.5, variance: 1.0 / 12, fourthMoment: 1.0 / 80)
  }

  @Test func normalNumbers() {
    var random = Random(seed: 6)
    let numbers = (0..<1 << 16).map { _ in random.normal() }
    expectMoments(numbers, mean: 0, variance: 1, fourthMoment: 3)
  }

  /// Every number below the bound comes up, about equally often: χ² within five standard deviations.
  @Test(arguments: [1, 2, 3, 10, 17])
  func numbersBelowABound(bound: Int) {
    var random = Random(seed: 7)
    let expected = 1000.0
    var counts = Array(repeating: 0, count: bound)
    for _ in 0..<1000 * bound { counts[random.below(bound)] += 1 }
    let deviation = counts.reduce(0.0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    let freedom = Double(bound - 1)
    #expect(abs(deviation - freedom) <= 5 * (2 * freedom).squareRoot())
  }

  private func expectMoments(
    _ numbers: [Float], mean: Double, variance: Double, fourthMoment: Double
  ) {
    let count = Double(numbers.count)
    let measured = numbers.reduce(0.0) { $0 + Double($1) } / count
    #expect(abs(measured - mean) <= 5 * (variance / count).squareRoot())
    let spread = numbers.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
    let deviation = ((fourthMoment - variance * variance) / count).squareRoot()
    #expect(abs(spread - variance) <= 5 * deviation)
  }
}
