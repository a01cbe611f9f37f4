import ConvoyBenchmarks
import ConvoyEngine
import ConvoyTensors
import Foundation
import Testing

@Suite struct MeasuredLayerTests {
  @Test func figuresFollowFromEachOther() throws {
    let layer = try LayerDescription(parsing: "C=8 N=8 K=3 groups=4 size=6 batch=2")
    let measured = try MeasuredLayer(layer, on: ThreadPool(threadCount: 1))
    let gigaflops =
      2e-6 * Double(measured.explanation.multiplyAdds) / measured.measurement.milliseconds
    #expect(abs(measured.measurement.gigaflopsPerSecond - gigaflops) <= 1e-6 * gigaflops)
    #expect(measured.bandwidth > 0)
  }

  /// What is measured is written beside what is explained.
  @Test func isEncodedFlat() throws {
    let layer = try LayerDescription(parsing: "C=8 N=8 K=1 size=2")
    let measured = try MeasuredLayer(layer, on: ThreadPool(threadCount: 1))
    func keys(_ value: some Encodable) throws -> Set<String> {
      let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
      return Set(try #require(object as? [String: Any]).keys)
    }
    #expect(
      try keys(measured)
        == keys(measured.explanation).union(["measurement", "peak", "bandwidth"]))
  }
}
