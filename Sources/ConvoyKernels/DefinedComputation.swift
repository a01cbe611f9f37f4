package import ConvoyTensors

/// Runs an operator's definition on row-major tensors: the kernel of operators that have no other.
///
/// The inputs are copied into tensors, and one thread computes.
package struct DefinedComputation: Kernel {
  /// A row-major operand.
  package struct Operand: Sendable {
    let region: Region
    let shape: Shape
    let type: ElementType

    /// An operand of a shape and a type.
    package init(_ region: Region, _ shape: Shape, _ type: ElementType) {
      self.region = region
      self.shape = shape
      self.type = type
    }

    fileprivate var byteCount: Int { shape.elementCount * type.size }
  }

  /// See `Kernel.name`.
  package let name = "definition"
  private let inputs: [Operand]
  private let outputs: [Operand]
  private let define: @Sendable ([Tensor]) -> [Tensor]

  /// - Parameter define: the definition; its results have the outputs' shapes and types.
  package init(
    _ inputs: [Operand], to outputs: [Operand], define: @escaping @Sendable ([Tensor]) -> [Tensor]
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.define = define
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Computes everything.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let given = inputs.map { input in
      Tensor(
        input.shape, type: input.type,
        copying: UnsafeRawBufferPointer(
          start: memory.bytes(input.region), count: input.byteCount))
    }
    for (output, tensor) in zip(outputs, define(given)) {
      precondition(
        tensor.shape == output.shape && tensor.type == output.type,
        "A definition makes tensors of the shapes and types that its rules say.")
      tensor.withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(start: memory.bytes(output.region), count: output.byteCount)
          .copyMemory(from: bytes)
      }
    }
  }
}
