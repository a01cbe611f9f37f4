import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Testing

@testable import ConvoyEngine

/// Plans are run by several threads at once, while others compile.
@Suite struct ConcurrentPlanTests {
  /// Runs a body on threads of their own, all at once, and waits for them.
  private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
    let running = Monitor(count)
    let hasBegun = Monitor(false)
    for thread in 0..<count {
      try #require(
        startThread {
          hasBegun.wait { $0 }
          body(thread)
          running.change { $0 -= 1 }
        })
    }
    hasBegun.change { $0 = true }
    running.wait { $0 == 0 }
  }

  private func network() throws -> Network {
    try Network(input: [3, 17, 13]) { image in
      let x = image.convolution(24, kernel: 3, padding: 1).batchNormalization().relu()
      let y = x.convolution(24, kernel: 3, padding: 1, groups: 24).silu()
        .convolution(24, kernel: 1)
      return (x + y).relu().convolution(40, kernel: 3, stride: 2, padding: 1, groups: 4).relu()
        .globalAveragePooling().flattened().linear(7)
    }
  }

  /// Four threads run one plan on different images; two compile the same network, which shares its
  /// weights with the plan, and run it.
  @Test(arguments: Machine.available) func runsAndCompilations(_ machine: Machine) throws {
    let model = try network().initialized(seed: 5)
    var options = CompileOptions(pool: ThreadPool(threadCount: 3))
    options.machine = machine
    options.sharedWeights = SharedWeights()
    let plan = try model.compiled(options: options)
    var random = Random(seed: 111)
    let images = (0..<4).map { _ in Tensor(normal: [1, 3, 17, 13], using: &random) }
    let wanted = try images.map { try plan($0).bytes }
    let failures = Monitor<[String]>([])
    let compileOptions = options
    try onThreads(6) { thread in
      do {
        for turn in 0..<(thread < 4 ? 50 : 8) {
          let image = (thread + turn) % 4
          let own = thread < 4 ? plan : try model.compiled(options: compileOptions)
          let result = try own(images[image]).bytes
          if result != wanted[image] {
            failures.change { $0.append("thread \(thread), turn \(turn): other numbers") }
          }
        }
      } catch {
        failures.change { $0.append("thread \(thread): \(error)") }
      }
    }
    #expect(failures.withLock { $0 } == [])
  }
}
