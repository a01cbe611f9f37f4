import ConvoyBenchmarks
import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct LayerBenchmarkTests {
  @Test func theSuiteIsThirtyFourConvolutions() throws {
    #expect(LayerShape.suite.count == 34)
    for layer in LayerShape.suite {
      let graph = try layer.network().graph
      #expect(graph.nodes.count == 1)
      #expect(graph.cost.multiplyAdds > 0)
    }
  }

  static let head =
    "name,inputChannels,outputChannels,height,width,kernel,stride,padding,dilation,groups\n"

  @Test(
    arguments: [
      ("", "x should begin with the line name,"),
      ("a,b\n", "x should begin with the line name,"),
      (head + "a,1,2,3\n", "Line 2 of x should have a name and 9 whole numbers, got ‘a,1,2,3’."),
      (head + "a,1,2,3,4,5,6,7,8,nine\n", "Line 2 of x should have a name and 9 whole numbers"),
    ])
  func damagedSuitesAreRefused(text: String, message: String) {
    let error = #expect(throws: ConvoyError.self) { try LayerShape.parse(text, name: "x") }
    #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
  }

  @Test(arguments: LayerBenchmark.Direction.allCases)
  func measuresWhatItIsAsked(direction: LayerBenchmark.Direction) throws {
    let layer = LayerShape(
      name: "small", inputChannels: 8, outputChannels: 8, height: 6, width: 6, kernel: 3,
      padding: 1, groups: 4)
    let benchmark = LayerBenchmark(
      batch: 2, direction: direction, options: CompileOptions(pool: ThreadPool(threadCount: 1)))
    let measured = try benchmark.measure(layer)
    let factor = direction == .forward ? 1.0 : 3.0
    let operations = 2.0 * 2 * factor * Double(try layer.network().graph.cost.multiplyAdds)
    #expect(measured.milliseconds > 0 && measured.milliseconds <= measured.medianMilliseconds)
    let gigaflops = operations / measured.milliseconds * 1e-6
    #expect(abs(measured.gigaflopsPerSecond - gigaflops) <= 1e-6 * gigaflops)
    #expect(!measured.kernel.isEmpty)
  }
}
