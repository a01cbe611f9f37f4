import ConvoyTensors
import Testing

@testable import ConvoyKernels

@Suite struct StandardizationKernelTests {
  /// In planes, in any order and whatever stands in lanes without a channel and around the images, the
  /// numbers are those of the row-major kernel.
  @Test func lanesWithoutAChannelAreNotCounted() {
    var random = Random(seed: 71)
    for _ in 0..<100 {
      let (batch, height, width) = (1 + random.below(2), 1 + random.below(3), 1 + random.below(9))
      let groups = 1 + random.below(4)
      let channels = groups * (1 + random.below(20))
      let halo = Halo(before: Extents(0, random.below(2), 1), after: Extents(0, 1, random.below(2)))
      let order =
        random.below(2) == 0
        ? ChannelOrder(identity: channels)
        : ChannelOrder(paddingGroups: groups, channels: channels)
      let shape = Shape([batch, channels, height, width])
      let image = PlaneLayout(shape, halo: halo, order: order)
      let output = PlaneLayout(shape, order: order)
      let dense = Tensor(normal: shape, mean: 3, deviation: 2, using: &random)

      // Rows, their result in rows, planes full of poison, planes for the result, and that in rows.
      let count = (shape.elementCount + 15) / 16 * 16
      let starts = [0, count, 2 * count, 2 * count + image.elementCount]
      let last = starts[3] + output.elementCount
      let memory = UnsafeMutableRawPointer.allocate(
        byteCount: 4 * (last + count), alignment: 64)
      defer { memory.deallocate() }
      let floats = memory.bindMemory(to: Float.self, capacity: last + count)
      floats.initialize(repeating: .nan, count: last + count)
      for (index, element) in dense.elements.enumerated() { floats[index] = element }
      let regions = (starts + [last]).map { Region(.arena, offset: $0) }
      let kernels: [any Kernel] = [
        DenseStandardization(shape, over: [1], epsilon: 0.1, from: regions[0], to: regions[1]),
        PlanesFromDense(from: regions[0], to: image, base: regions[2]),
        Poison(image, base: regions[2]),
        PixelStandardization(
          epsilon: 0.1, image, base: regions[2], to: output, outputBase: regions[3]),
        DenseFromPlanes(from: output, base: regions[3], to: regions[4]),
      ]
      for kernel in kernels {
        let scratch = GuardedBlock(count: (kernel.scratchCount + 15) / 16 * 16, side: .end)
        for chunk in (0..<kernel.chunkCount).reversed() {
          kernel.run(
            chunk: chunk, in: Memory(arena: floats, state: floats, constants: floats),
            scratch: scratch.start)
        }
      }
      for index in 0..<shape.elementCount {
        let (want, got) = (floats[count + index], floats[last + index])
        #expect(abs(want - got) <= 2e-6 * max(1, abs(want)), "\(shape)")
      }
    }
  }

  /// Puts what is no number into every lane in which no channel stands.
  private struct Poison: Kernel {
    let name = "poison"
    let chunkCount = 1
    private let layout: PlaneLayout
    private let base: Region

    init(_ layout: PlaneLayout, base: Region) {
      self.layout = layout
      self.base = base
    }

    func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
      for (lane, channel) in layout.channelsByLane.enumerated() where channel == nil {
        let (plane, lane) = lane.quotientAndRemainder(dividingBy: PlaneLayout.lanes)
        let start = memory[base] + layout.planes[plane] + lane
        for pixel in stride(from: 0, to: layout.planeSize, by: PlaneLayout.lanes) {
          start[pixel] = .nan
        }
      }
    }
  }

  /// Lines that do not fill a vector are read to their end and no further.
  @Test func rowMajorStaysInside() {
    var random = Random(seed: 72)
    for _ in 0..<60 {
      let shape = Shape((0..<3).map { _ in 1 + random.below(20) })
      var dimensions = (0..<3).filter { _ in random.below(2) == 0 }
      if dimensions.isEmpty { dimensions = [1] }
      let numbers = Tensor(normal: shape, using: &random).elements
      // What lies behind, up to the next multiple of 16, must not show in the results.
      let padded = (numbers.count + 15) / 16 * 16
      func results(padding: Float) -> [Float] {
        let source = GuardedBlock(
          (numbers + Array(repeating: padding, count: padded - numbers.count))[...], .end)
        let target = GuardedBlock(count: padded, side: .beginning)
        let kernel = DenseStandardization(
          shape, over: dimensions, epsilon: 0.1, from: Region(.arena, offset: 0),
          to: Region(.state, offset: 0))
        for chunk in 0..<kernel.chunkCount {
          kernel.run(
            chunk: chunk,
            in: Memory(arena: source.start, state: target.start, constants: target.start),
            scratch: target.start)
        }
        #expect((numbers.count..<padded).allSatisfy { target.start[$0] == 0 })
        return withExtendedLifetime(source) {
          Array(UnsafeBufferPointer(start: target.start, count: numbers.count))
        }
      }
      #expect(results(padding: 0) == results(padding: .nan))
    }
  }
}
