import ConvoyTensors
import Testing

@testable import ConvoyKernels

/// Planes one behind the other in one block of numbers, to run kernels on.
struct PlaneCase {
  /// The numbers, the inputs' halos among them.
  var numbers: [Float] = []

  /// Adds planes with random numbers in every lane, and zeros in the halo.
  ///
  /// - Returns: where they are.
  mutating func add(_ layout: PlaneLayout, _ number: () -> Float) -> PlanePlaces {
    let start = numbers.count
    for index in 0..<layout.elementCount {
      numbers.append(PlaneCase.isInside(index, layout) ? number() : 0)
    }
    return PlanePlaces(layout, at: Region(.arena, offset: start))
  }

  /// Adds planes that hold nothing yet: not a number anywhere.
  mutating func add(poisoned layout: PlaneLayout) -> PlanePlaces {
    let start = numbers.count
    numbers += Array(repeating: .nan, count: layout.elementCount)
    return PlanePlaces(layout, at: Region(.arena, offset: start))
  }

  /// Adds numbers as they are, and fills the last group of 16 up.
  mutating func add(_ list: [Float]) -> Region {
    let start = numbers.count
    numbers += list + Array(repeating: 0, count: -list.count & 15)
    return Region(.arena, offset: start)
  }

  /// All numbers after all chunks of a kernel, the last chunk first.
  func run(_ kernel: any Kernel) -> [Float] {
    let block = UnsafeMutableRawPointer.allocate(byteCount: numbers.count * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: numbers.count)
    defer { block.deallocate() }
    block.update(from: numbers, count: numbers.count)
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: max(64, kernel.scratchCount * 4), alignment: 64)
    defer { scratch.deallocate() }
    let memory = Memory(arena: block, state: block, constants: block)
    for chunk in (0..<kernel.chunkCount).reversed() {
      kernel.run(
        chunk: chunk, in: memory, scratch: scratch.assumingMemoryBound(to: Float.self))
    }
    return (0..<numbers.count).map { block[$0] }
  }

  /// Checks that two kernels make the same of the pixels of some planes, and that the first leaves all
  /// else as it was.
  ///
  /// - Parameter tolerance: the error that counts as none, relative to the result or to 1.
  func expectSame(
    _ kernel: any Kernel, as reference: any Kernel, _ layout: PlaneLayout, at place: PlanePlaces,
    tolerance: Float, _ description: String
  ) {
    let (got, want) = (run(kernel), run(reference))
    var worst: Float = 0
    var strays = 0
    for index in numbers.indices {
      let inPlanes = index - place.base.offset()
      if (0..<layout.elementCount).contains(inPlanes), PlaneCase.isInside(inPlanes, layout) {
        if got[index] == want[index] || got[index].isNaN && want[index].isNaN { continue }
        let error = abs(got[index] - want[index]) / max(1, abs(want[index]))
        worst = max(worst, error.isNaN ? .infinity : error)
      } else if got[index].bitPattern != numbers[index].bitPattern {
        strays += 1
      }
    }
    #expect(worst <= tolerance, "\(description)")
    #expect(strays == 0, "\(description)")
  }

  /// A layout of random halo.
  static func layout(
    batch: Int, channels: Int, extents: Extents, _ random: inout Random
  ) -> PlaneLayout {
    let halos = [
      Halo.none, .none, Halo(before: Extents(0, 1, 2), after: Extents(1, 0, 1)),
      Halo(before: Extents(0, 1, 0), after: Extents(0, 2, 0)),
      Halo(before: Extents(1, 0, 0), after: Extents(0, 0, 0)),
    ]
    return PlaneLayout(
      batch: batch, channels: channels, extents: extents, halo: halos[random.below(halos.count)])
  }

  /// Whether an element of a layout belongs to a pixel of an image.
  static func isInside(_ index: Int, _ layout: PlaneLayout) -> Bool {
    let inImage = index % layout.imageStride
    let position = Extents(
      inImage / layout.sliceStride, inImage % layout.sliceStride / layout.rowStride,
      inImage % layout.rowStride / 16)
    let inner = position - layout.halo.before
    return inner.min() >= 0 && (layout.extents - inner).min() > 0
  }
}
