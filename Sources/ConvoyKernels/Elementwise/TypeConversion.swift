import ConvoyTensors

/// Converts the elements of a row-major tensor to another type, by the rules of `TensorElement`.
package struct TypeConversion: Kernel {
  /// See `Kernel.name`.
  package let name = "portable cast"
  private let source: TypedRegion
  private let target: TypedRegion
  private let chunks: Chunks

  /// - Parameter count: the number of elements.
  package init(count: Int, from source: TypedRegion, to target: TypedRegion) {
    self.source = source
    self.target = target
    chunks = Chunks(items: count, cost: 4)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Converts some elements.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let elements = chunks[chunk]
    // Loops from and to 32-bit floats are specialised for each type; other pairs are rare.
    if target.type == .float32 {
      source.type.apply(
        ToFloats(
          source: memory.bytes(source.region), target: memory[target.region], elements: elements))
    } else if source.type == .float32 {
      target.type.apply(
        FromFloats(
          source: memory[source.region], target: memory.bytes(target.region), elements: elements))
    } else {
      convert(
        source.type.swiftType, target.type.swiftType, memory.bytes(source.region),
        memory.bytes(target.region), elements)
    }
  }

  private func convert<Source: TensorElement, Target: TensorElement>(
    _: Source.Type, _: Target.Type, _ source: UnsafeMutableRawPointer,
    _ target: UnsafeMutableRawPointer, _ elements: Range<Int>
  ) {
    let from = source.assumingMemoryBound(to: Source.self)
    let to = target.assumingMemoryBound(to: Target.self)
    for index in elements { to[index] = from[index].converted(to: Target.self) }
  }
}

private struct ToFloats: TypedFunction {
  let source: UnsafeMutableRawPointer
  let target: UnsafeMutablePointer<Float>
  let elements: Range<Int>

  func callAsFunction<Element: TensorElement>(_ type: Element.Type) {
    let from = source.assumingMemoryBound(to: type)
    for index in elements { target[index] = from[index].converted(to: Float.self) }
  }
}

private struct FromFloats: TypedFunction {
  let source: UnsafeMutablePointer<Float>
  let target: UnsafeMutableRawPointer
  let elements: Range<Int>

  func callAsFunction<Element: TensorElement>(_ type: Element.Type) {
    let to = target.assumingMemoryBound(to: type)
    for index in elements { to[index] = source[index].converted(to: type) }
  }
}
